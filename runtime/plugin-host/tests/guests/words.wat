;; Answers a poisoned change with {answer}: kind, address and count. One violation whose words are made to mislead a terminal.

(func (export "dualwright:plugin/mapper@1.0.0#describe") (result i32) (i32.const 288))

(func $cabi_realloc (export "cabi_realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32)
    (call $allocate (local.get $size) (local.get $align)))

;; Of no field; code and message at 952 and 960.
(data (i32.const 896) "\00\00\00\00\00\00\00\00\00\00\00\00" "\b8\03\00\00\08\00\00\00" "\c0\03\00\00\12\00\00\00")
(data (i32.const 952) "no\1b[31m\0a")
(data (i32.const 960) "a\0aERROR forged\1b[2J")

(func $transform (export "dualwright:plugin/mapper@1.0.0#transform")
    (param $leg i32) (param $initial i32) (param $changes i32) (param $count i32) (result i32)
    (call $echo_but (local.get $changes) (local.get $count) {answer}))
