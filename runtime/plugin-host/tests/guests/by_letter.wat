;; Echoes, but where the last cell of a change is a text of `!` and a letter, puts another cell in its place, or does worse:
;; a traps; b NaN; c 1e999999999; d, e the first and last moment there are; f, g the first and last day; h a text of 1 MiB;
;; i one of 10 MiB; j a kind of cell that is none; k a decimal of 10 MiB; l a decimal of 80 digits.

(func (export "dualwright:plugin/mapper@1.0.0#describe") (result i32) (i32.const 288))

(func $cabi_realloc (export "cabi_realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32)
    (call $allocate (local.get $size) (local.get $align)))

;; A cell for each letter: kind and payload.
(data (i32.const 512)
    "\fa\00\00\00\00\00\00\00" "\00\00\00\00\00\00\00\00"
    "\04\00\00\00\00\00\00\00" "\d0\02\00\00\03\00\00\00"
    "\04\00\00\00\00\00\00\00" "\d8\02\00\00\0b\00\00\00"
    "\06\00\00\00\00\00\00\00" "\00\00\00\00\00\00\00\80"
    "\06\00\00\00\00\00\00\00" "\ff\ff\ff\ff\ff\ff\ff\7f"
    "\07\00\00\00\00\00\00\00" "\00\00\00\80\00\00\00\00"
    "\07\00\00\00\00\00\00\00" "\ff\ff\ff\7f\00\00\00\00"
    "\fb\00\00\00\02\00\00\00" "\00\00\10\00\00\00\00\00"
    "\fb\00\00\00\02\00\00\00" "\00\00\a0\00\00\00\00\00"
    "\09\00\00\00\00\00\00\00" "\00\00\00\00\00\00\00\00"
    "\fb\00\00\00\04\00\00\00" "\00\00\a0\00\00\00\00\00"
    "\04\00\00\00\00\00\00\00" "\f0\02\00\00\50\00\00\00")
(data (i32.const 720) "NaN")
(data (i32.const 728) "1e999999999")
(data (i32.const 752) "12345678901234567890123456789012345678901234567890123456789012345678901234567890")

(func $big_text (param $length i32) (result i32)
    (local $address i32)
    (local.set $address (memory.grow (i32.add (i32.shr_u (local.get $length) (i32.const 16)) (i32.const 1))))
    (if (i32.eq (local.get $address) (i32.const -1)) (then (unreachable)))
    (local.set $address (i32.shl (local.get $address) (i32.const 16)))
    (memory.fill (local.get $address) (i32.const 57) (local.get $length))
    (local.get $address))

;; The cell that the text in this one asks for, or 0.
(func $wanted (param $cell i32) (result i32)
    (local $text i32)
    (if (i32.or
            (i32.ne (i32.load8_u (local.get $cell)) (i32.const 2))
            (i32.ne (i32.load offset=12 (local.get $cell)) (i32.const 2)))
        (then (return (i32.const 0))))
    (local.set $text (i32.load offset=8 (local.get $cell)))
    (if (i32.or
            (i32.ne (i32.load8_u (local.get $text)) (i32.const 33))
            (i32.gt_u (i32.sub (i32.load8_u offset=1 (local.get $text)) (i32.const 97)) (i32.const 11)))
        (then (return (i32.const 0))))
    (i32.add
        (i32.const 512)
        (i32.shl (i32.sub (i32.load8_u offset=1 (local.get $text)) (i32.const 97)) (i32.const 4))))

(func $put (param $cell i32) (param $wanted i32)
    (if (i32.eqz (local.get $wanted)) (then (return)))
    (if (i32.eq (i32.load8_u (local.get $wanted)) (i32.const 250)) (then (unreachable)))
    (i64.store (local.get $cell) (i64.load (local.get $wanted)))
    (i64.store offset=8 (local.get $cell) (i64.load offset=8 (local.get $wanted)))
    (if (i32.eq (i32.load8_u (local.get $wanted)) (i32.const 251))
        (then
            (i32.store8 (local.get $cell) (i32.load offset=4 (local.get $wanted)))
            (i32.store offset=12 (local.get $cell) (i32.load offset=8 (local.get $wanted)))
            (i32.store offset=8 (local.get $cell) (call $big_text (i32.load offset=8 (local.get $wanted)))))))

(func $transform (export "dualwright:plugin/mapper@1.0.0#transform")
    (param $leg i32) (param $initial i32) (param $changes i32) (param $count i32) (result i32)
    (local $answer i32) (local $cell i32)
    (local.set $answer (call $echo (local.get $changes) (local.get $count)))
    (block $done
        (loop $next
            (br_if $done (i32.eqz (local.get $count)))
            (local.set $cell
                (i32.add
                    (i32.load offset=4 (local.get $changes))
                    (i32.shl (i32.sub (i32.load offset=8 (local.get $changes)) (i32.const 1)) (i32.const 4))))
            ;; A deletion has the key only.
            (if (i32.eqz (i32.load8_u (local.get $changes)))
                (then (call $put (local.get $cell) (call $wanted (local.get $cell)))))
            (local.set $changes (i32.add (local.get $changes) (i32.const 12)))
            (local.set $count (i32.sub (local.get $count) (i32.const 1)))
            (br $next)))
    (local.get $answer))
