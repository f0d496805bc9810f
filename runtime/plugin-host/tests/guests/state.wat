;; Traps when anything is left over from a batch before, in a global or in memory; otherwise leaves something.

(func (export "dualwright:plugin/mapper@1.0.0#describe") (result i32) (i32.const 288))

(func $cabi_realloc (export "cabi_realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32)
    (call $allocate (local.get $size) (local.get $align)))

(global $seen (mut i32) (i32.const 0))

(func $transform (export "dualwright:plugin/mapper@1.0.0#transform")
    (param $leg i32) (param $initial i32) (param $changes i32) (param $count i32) (result i32)
    (if (i32.or (global.get $seen) (i32.load (i32.const 1000))) (then (unreachable)))
    (global.set $seen (i32.const 1))
    (i32.store (i32.const 1000) (i32.const 1))
    (call $echo (local.get $changes) (local.get $count)))
