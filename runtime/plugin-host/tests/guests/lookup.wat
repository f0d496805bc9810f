;; Looks up what column A says, and writes the found cell there instead. What is in braces is put in by the test.
;; A change that says `boom` asks a million times and listens to no answer.

(import "dualwright:plugin/lookup@1.1.0" "find" (func $find (param i32 i32 i32 i32 i32 i32 i32 i32)))

(data (i32.const 576) "{table}")
(data (i32.const 640) "{key}")
(data (i32.const 704) "{column}")
;; One key cell: its column, and from 8 on its value, which is text. Then one column.
(data (i32.const 768) "\80\02\00\00{key-length}\00\00\00\02\00\00\00\00\00\00\00")
(data (i32.const 800) "\c0\02\00\00{column-length}\00\00\00")

(func $ask (param $change i32)
    (local $address i32) (local $length i32)
    (call $text (local.get $change))
    (local.set $length)
    (local.set $address)
    (i32.store (i32.const 784) (local.get $address))
    (i32.store (i32.const 788) (local.get $length))
    (call $find (i32.const {side}) (i32.const 576) (i32.const {table-length}) (i32.const 768) (i32.const 1)
        (i32.const 800) (i32.const 1) (i32.const 832)))

(func $one (param $change i32) (param $outcome i32)
    (local $times i32)
    (if (call $is_poison (local.get $change)) (then
        (local.set $times (i32.const 1000000))
        (loop $again
            (call $ask (local.get $change))
            (local.set $times (i32.sub (local.get $times) (i32.const 1)))
            (br_if $again (local.get $times)))))
    (call $ask (local.get $change))
    (if (i32.load8_u (i32.const 832)) (then
        (call $reject (local.get $outcome) (i32.load8_u (i32.const 836)) (i32.load (i32.const 840))
            (i32.load (i32.const 844)))
        (return)))
    (if (i32.eqz (i32.load8_u (i32.const 836))) (then
        (call $skip (local.get $outcome) (i32.const 512) (i32.const 4))
        (return)))
    (call $upsert (local.get $outcome) (local.get $change) (i64.load (i32.load (i32.const 840)))
        (i64.load offset=8 (i32.load (i32.const 840)))))
