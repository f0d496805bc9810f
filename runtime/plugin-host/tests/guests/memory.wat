;; Has two memories that together, not each, are more than allowed; asks for the second one's share only when poisoned.

(func (export "dualwright:plugin/mapper@1.0.0#describe") (result i32) (i32.const 288))

(func $cabi_realloc (export "cabi_realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32)
    (call $allocate (local.get $size) (local.get $align)))

(memory $second 1)

(func $transform (export "dualwright:plugin/mapper@1.0.0#transform")
    (param $leg i32) (param $initial i32) (param $changes i32) (param $count i32) (result i32)
    (if (call $find_poison (local.get $changes) (local.get $count))
        (then
            (drop (memory.grow 0 (i32.const 600)))
            (if (i32.ne (memory.grow $second (i32.const 600)) (i32.const -1))
                (then (return (call $echo (local.get $changes) (local.get $count)))))
            (unreachable)))
    (call $echo (local.get $changes) (local.get $count)))
