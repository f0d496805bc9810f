;; Lets the source win every clash; does {act} when one is poisoned, which is when the map wrote the text `boom` into some column.

(func (export "dualwright:plugin/mapper@1.1.0#describe") (result i32) (i32.const 288))

(func $cabi_realloc (export "cabi_realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32)
    (call $allocate (local.get $size) (local.get $align)))

(func $transform (export "dualwright:plugin/mapper@1.1.0#transform")
    (param $leg i32) (param $initial i32) (param $changes i32) (param $count i32) (result i32)
    (call $echo (local.get $changes) (local.get $count)))

;; A clash is 40 bytes: cells (address, count), two moments. A contested cell is 40: wanted, found, two flags.
(func $is_poisoned (param $clash i32) (result i32)
    (local $cell i32) (local $count i32)
    (local.set $cell (i32.load (local.get $clash)))
    (local.set $count (i32.load offset=4 (local.get $clash)))
    (block $done
        (loop $next
            (br_if $done (i32.eqz (local.get $count)))
            (if (i32.and
                    (i32.eq (i32.load8_u (local.get $cell)) (i32.const 2))
                    (i32.eq (i32.load offset=12 (local.get $cell)) (i32.const 4)))
                (then
                    (if (i32.eq (i32.load (i32.load offset=8 (local.get $cell))) (i32.const 0x6d6f6f62))
                        (then (return (i32.const 1))))))
            (local.set $cell (i32.add (local.get $cell) (i32.const 40)))
            (local.set $count (i32.sub (local.get $count) (i32.const 1)))
            (br $next)))
    (i32.const 0))

;; A verdict is 12 bytes: kind (0 source wins, 1 target wins, 2 merge, 3 refuse), address and count of cells or violations.
(func $resolve (export "dualwright:plugin/resolver@1.1.0#resolve")
    (param $leg i32) (param $initial i32) (param $clashes i32) (param $count i32) (result i32)
    (local $answer i32) (local $verdict i32)
    (local.set $answer (call $allocate (i32.const 8) (i32.const 4)))
    (local.set $verdict (call $allocate (i32.mul (local.get $count) (i32.const 12)) (i32.const 4)))
    (i32.store (local.get $answer) (local.get $verdict))
    (i32.store offset=4 (local.get $answer) (local.get $count))
    (block $done
        (loop $next
            (br_if $done (i32.eqz (local.get $count)))
            (if (call $is_poisoned (local.get $clashes)) (then {act}))
            (local.set $clashes (i32.add (local.get $clashes) (i32.const 40)))
            (local.set $verdict (i32.add (local.get $verdict) (i32.const 12)))
            (local.set $count (i32.sub (local.get $count) (i32.const 1)))
            (br $next)))
    (local.get $answer))
