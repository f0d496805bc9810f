;; Has the host put a text of four bytes outside of its memory.

(func (export "dualwright:plugin/mapper@1.0.0#describe") (result i32) (i32.const 288))

(func $cabi_realloc (export "cabi_realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32)
    (if (i32.eq (local.get $size) (i32.const 4)) (then (return (i32.const 0xfffffff0))))
    (call $allocate (local.get $size) (local.get $align)))

(func $transform (export "dualwright:plugin/mapper@1.0.0#transform")
    (param $leg i32) (param $initial i32) (param $changes i32) (param $count i32) (result i32)
    (call $echo (local.get $changes) (local.get $count)))
