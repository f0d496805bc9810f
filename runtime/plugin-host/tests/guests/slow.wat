;; Takes its time over every poisoned change, always the same, and answers well.

(func (export "dualwright:plugin/mapper@1.0.0#describe") (result i32) (i32.const 288))

(func $cabi_realloc (export "cabi_realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32)
    (call $allocate (local.get $size) (local.get $align)))

(func $transform (export "dualwright:plugin/mapper@1.0.0#transform")
    (param $leg i32) (param $initial i32) (param $changes i32) (param $count i32) (result i32)
    (local $left i32) (local $change i32) (local $steps i32)
    (local.set $left (local.get $count))
    (local.set $change (local.get $changes))
    (block $done
        (loop $next
            (br_if $done (i32.eqz (local.get $left)))
            (if (call $is_poison (local.get $change))
                (then
                    (local.set $steps (i32.const 150000000))
                    (loop $on
                        (local.set $steps (i32.sub (local.get $steps) (i32.const 1)))
                        (br_if $on (local.get $steps)))))
            (local.set $change (i32.add (local.get $change) (i32.const 12)))
            (local.set $left (i32.sub (local.get $left) (i32.const 1)))
            (br $next)))
    (call $echo (local.get $changes) (local.get $count)))
