;; What the guests that ask something outside share. An outcome is written at its address.

(data (i32.const 512) "none")
(data (i32.const 520) "not-granted")
(data (i32.const 536) "invalid")
(data (i32.const 544) "unavailable")
(data (i32.const 560) "too-large")

(func (export "dualwright:plugin/mapper@1.1.0#describe") (result i32) (i32.const 288))

(func $cabi_realloc (export "cabi_realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32)
    (call $allocate (local.get $size) (local.get $align)))

;; The text of column A of a change: its address, and its length.
(func $text (param $change i32) (result i32 i32)
    (local $cell i32)
    (local.set $cell (i32.add (i32.load offset=4 (local.get $change)) (i32.const 16)))
    (i32.load offset=8 (local.get $cell))
    (i32.load offset=12 (local.get $cell)))

;; Upserts the cells that came in, with this cell as column A.
(func $upsert (param $outcome i32) (param $change i32) (param $kind i64) (param $payload i64)
    (local $cell i32)
    (local.set $cell (i32.add (i32.load offset=4 (local.get $change)) (i32.const 16)))
    (i64.store (local.get $cell) (local.get $kind))
    (i64.store offset=8 (local.get $cell) (local.get $payload))
    (i32.store (local.get $outcome) (i32.const 0))
    (i32.store offset=4 (local.get $outcome) (i32.load offset=4 (local.get $change)))
    (i32.store offset=8 (local.get $outcome) (i32.load offset=8 (local.get $change))))

(func $skip (param $outcome i32) (param $text i32) (param $length i32)
    (i32.store (local.get $outcome) (i32.const 2))
    (i32.store offset=4 (local.get $outcome) (local.get $text))
    (i32.store offset=8 (local.get $outcome) (local.get $length)))

;; Rejects with the failure's case as the code and its text as the message.
(func $reject (param $outcome i32) (param $case i32) (param $text i32) (param $length i32)
    (local $violation i32)
    (local.set $violation (call $allocate (i32.const 28) (i32.const 4)))
    (i32.store (local.get $violation) (i32.const 0))
    (if (i32.eqz (local.get $case)) (then
        (i32.store offset=12 (local.get $violation) (i32.const 520))
        (i32.store offset=16 (local.get $violation) (i32.const 11))))
    (if (i32.eq (local.get $case) (i32.const 1)) (then
        (i32.store offset=12 (local.get $violation) (i32.const 536))
        (i32.store offset=16 (local.get $violation) (i32.const 7))))
    (if (i32.eq (local.get $case) (i32.const 2)) (then
        (i32.store offset=12 (local.get $violation) (i32.const 544))
        (i32.store offset=16 (local.get $violation) (i32.const 11))))
    (if (i32.eq (local.get $case) (i32.const 3)) (then
        (i32.store offset=12 (local.get $violation) (i32.const 560))
        (i32.store offset=16 (local.get $violation) (i32.const 9))
        (local.set $length (i32.const 0))))
    (i32.store offset=20 (local.get $violation) (local.get $text))
    (i32.store offset=24 (local.get $violation) (local.get $length))
    (i32.store (local.get $outcome) (i32.const 3))
    (i32.store offset=4 (local.get $outcome) (local.get $violation))
    (i32.store offset=8 (local.get $outcome) (i32.const 1)))

;; Answers every change, one after the other.
(func (export "dualwright:plugin/mapper@1.1.0#transform")
    (param $leg i32) (param $initial i32) (param $changes i32) (param $count i32) (result i32)
    (local $answer i32) (local $outcome i32)
    (local.set $answer (call $allocate (i32.const 8) (i32.const 4)))
    (local.set $outcome (call $allocate (i32.mul (local.get $count) (i32.const 12)) (i32.const 4)))
    (i32.store (local.get $answer) (local.get $outcome))
    (i32.store offset=4 (local.get $answer) (local.get $count))
    (block $done
        (loop $next
            (br_if $done (i32.eqz (local.get $count)))
            (call $one (local.get $changes) (local.get $outcome))
            (local.set $changes (i32.add (local.get $changes) (i32.const 12)))
            (local.set $outcome (i32.add (local.get $outcome) (i32.const 12)))
            (local.set $count (i32.sub (local.get $count) (i32.const 1)))
            (br $next)))
    (local.get $answer))
