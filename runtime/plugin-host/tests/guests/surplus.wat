;; Gives a million outcomes more than asked, all in reach, when the batch is poisoned.

(func (export "dualwright:plugin/mapper@1.0.0#describe") (result i32) (i32.const 288))

(func $cabi_realloc (export "cabi_realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32)
    (call $allocate (local.get $size) (local.get $align)))

(func $transform (export "dualwright:plugin/mapper@1.0.0#transform")
    (param $leg i32) (param $initial i32) (param $changes i32) (param $count i32) (result i32)
    (local $answer i32)
    (local.set $answer (call $echo (local.get $changes) (local.get $count)))
    (if (call $find_poison (local.get $changes) (local.get $count))
        (then
            (drop (memory.grow (i32.const 512)))
            (i32.store (local.get $answer) (i32.const 65536))
            (i32.store offset=4 (local.get $answer) (i32.const 1000000))))
    (local.get $answer))
