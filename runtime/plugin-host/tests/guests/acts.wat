;; Echoes, and does {act} on a poisoned batch, before it answers; after it has answered, {afterwards}; when the host asks for
;; memory, {allocating}; before anything else, {starting}.

(func (export "dualwright:plugin/mapper@1.0.0#describe") (result i32) (i32.const 288))

(global $poisoned (mut i32) (i32.const 0))

(func $begin {starting})
(start $begin)

(func $cabi_realloc (export "cabi_realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32)
    (if (i32.eq (local.get $size) (i32.const 4)) (then {allocating}))
    (call $allocate (local.get $size) (local.get $align)))

(func $transform (export "dualwright:plugin/mapper@1.0.0#transform")
    (param $leg i32) (param $initial i32) (param $changes i32) (param $count i32) (result i32)
    (local $answer i32)
    (local.set $answer (call $echo (local.get $changes) (local.get $count)))
    (if (call $find_poison (local.get $changes) (local.get $count))
        (then
            (global.set $poisoned (i32.const 1))
            {act}))
    (local.get $answer))

(func (export "cabi_post_dualwright:plugin/mapper@1.0.0#transform") (param $answer i32)
    (if (global.get $poisoned) (then {afterwards})))
