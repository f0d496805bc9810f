;; Answers a poisoned batch with little memory named many times over: each outcome is the same long list of the
;; same long text.

(func (export "dualwright:plugin/mapper@1.0.0#describe") (result i32) (i32.const 288))

(func $cabi_realloc (export "cabi_realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32)
    (call $allocate (local.get $size) (local.get $align)))

(func $transform (export "dualwright:plugin/mapper@1.0.0#transform")
    (param $leg i32) (param $initial i32) (param $changes i32) (param $count i32) (result i32)
    (local $answer i32) (local $outcome i32)
    (local.set $answer (call $echo (local.get $changes) (local.get $count)))
    (if (call $find_poison (local.get $changes) (local.get $count))
        (then
            (drop (memory.grow (i32.const 32)))
            ;; 1,000 violations at 131072, each with a message of one million zeros (which is UTF-8).
            (local.set $outcome (i32.const 131072))
            (loop $next
                (i32.store offset=20 (local.get $outcome) (i32.const 262144))
                (i32.store offset=24 (local.get $outcome) (i32.const 1000000))
                (local.set $outcome (i32.add (local.get $outcome) (i32.const 28)))
                (br_if $next (i32.lt_u (local.get $outcome) (i32.const 159072))))
            (return
                (call $echo_but
                    (local.get $changes) (local.get $count) (i32.const 3) (i32.const 131072) (i32.const 1000)))))
    (local.get $answer))
