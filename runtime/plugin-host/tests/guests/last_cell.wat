;; Echoes, but ends every poisoned change with another cell than came in: of kind {kind}, holding {payload}, or, when {big} is not 0,
;; a text of so many nines.

(func (export "dualwright:plugin/mapper@1.0.0#describe") (result i32) (i32.const 288))

(func $cabi_realloc (export "cabi_realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32)
    (call $allocate (local.get $size) (local.get $align)))

(data (i32.const 896) "{text}")

(func $big_text (param $length i32) (result i32)
    (local $address i32)
    (local.set $address (memory.grow (i32.add (i32.shr_u (local.get $length) (i32.const 16)) (i32.const 1))))
    (if (i32.eq (local.get $address) (i32.const -1)) (then (unreachable)))
    (local.set $address (i32.shl (local.get $address) (i32.const 16)))
    (memory.fill (local.get $address) (i32.const 57) (local.get $length))
    (local.get $address))

(func $transform (export "dualwright:plugin/mapper@1.0.0#transform")
    (param $leg i32) (param $initial i32) (param $changes i32) (param $count i32) (result i32)
    (local $answer i32) (local $cell i32)
    (local.set $answer (call $echo (local.get $changes) (local.get $count)))
    (block $done
        (loop $next
            (br_if $done (i32.eqz (local.get $count)))
            (if (call $is_poison (local.get $changes))
                (then
                    (local.set $cell
                        (i32.add
                            (i32.load offset=4 (local.get $changes))
                            (i32.shl (i32.sub (i32.load offset=8 (local.get $changes)) (i32.const 1)) (i32.const 4))))
                    (i32.store8 (local.get $cell) (i32.const {kind}))
                    (i64.store offset=8 (local.get $cell) (i64.const {payload}))
                    (if (i32.const {big})
                        (then
                            (i32.store offset=8 (local.get $cell) (call $big_text (i32.const {big})))
                            (i32.store offset=12 (local.get $cell) (i32.const {big}))))))
            (local.set $changes (i32.add (local.get $changes) (i32.const 12)))
            (local.set $count (i32.sub (local.get $count) (i32.const 1)))
            (br $next)))
    (local.get $answer))
