;; Sends a request to the address that column A says, and writes the body of the answer there instead. What is in braces
;; is put in by the test. A change that says `boom` asks a million times and listens to no answer.

(import "dualwright:plugin/http@1.1.0" "send" (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))

(data (i32.const 576) "{method}")
(data (i32.const 640) "{header}")
(data (i32.const 704) "value")
(data (i32.const 768) "\80\02\00\00{header-length}\00\00\00\c0\02\00\00\05\00\00\00")

(func $ask (param $change i32)
    (i32.const 576) (i32.const {method-length})
    (call $text (local.get $change))
    (i32.const 768) (i32.const {headers})
    (i32.const 0) (i32.const 0) (i32.const 0)
    (i32.const 832)
    (call $send))

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
        (call $reject (local.get $outcome) (i32.load8_u (i32.const 840)) (i32.load (i32.const 848))
            (i32.load (i32.const 852)))
        (return)))
    ;; A cell of text: the kind, then address and length, as the answer has them.
    (call $upsert (local.get $outcome) (local.get $change) (i64.const 2) (i64.load (i32.const 852))))
