;; Eats memory until it gets no more, then gives up.

(func (export "dualwright:plugin/mapper@1.0.0#describe") (result i32) (i32.const 288))

(func $cabi_realloc (export "cabi_realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32)
    (call $allocate (local.get $size) (local.get $align)))

(func $transform (export "dualwright:plugin/mapper@1.0.0#transform")
    (param $leg i32) (param $initial i32) (param $changes i32) (param $count i32) (result i32)
    (if (call $find_poison (local.get $changes) (local.get $count))
        (then
            (loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
            (unreachable)))
    (call $echo (local.get $changes) (local.get $count)))
