;; Is another version each time it is asked, as long as it remembers having been asked.

(global $asked (mut i32) (i32.const 0))

(func (export "dualwright:plugin/mapper@1.0.0#describe") (result i32)
    (i32.store8 (i32.const 32) (i32.add (i32.const 0x31) (global.get $asked)))
    (global.set $asked (i32.add (global.get $asked) (i32.const 1)))
    (i32.const 288))

(func $cabi_realloc (export "cabi_realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32)
    (call $allocate (local.get $size) (local.get $align)))

(func $transform (export "dualwright:plugin/mapper@1.0.0#transform")
    (param $leg i32) (param $initial i32) (param $changes i32) (param $count i32) (result i32)
    (call $echo (local.get $changes) (local.get $count)))
