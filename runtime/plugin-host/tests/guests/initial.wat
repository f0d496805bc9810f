;; Rejects a poisoned change in an initial sync, skips it otherwise.

(func (export "dualwright:plugin/mapper@1.0.0#describe") (result i32) (i32.const 288))

(func $cabi_realloc (export "cabi_realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32)
    (call $allocate (local.get $size) (local.get $align)))

;; One violation: of field "A", with code "no" and message "not now".
(data (i32.const 896) "\01\00\00\00\51\00\00\00\01\00\00\00" "\b8\03\00\00\02\00\00\00" "\c0\03\00\00\07\00\00\00")
(data (i32.const 952) "no")
(data (i32.const 960) "not now")

(func $transform (export "dualwright:plugin/mapper@1.0.0#transform")
    (param $leg i32) (param $initial i32) (param $changes i32) (param $count i32) (result i32)
    (if (local.get $initial)
        (then
            (return
                (call $echo_but
                    (local.get $changes) (local.get $count) (i32.const 3) (i32.const 896) (i32.const 1)))))
    (call $echo_but
        (local.get $changes) (local.get $count) (i32.const 2) (i32.const 960) (i32.const 7)))
