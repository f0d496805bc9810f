;; Writes a line for the operator, and skips everything with the value of the setting `reason`.

(import "dualwright:plugin/log@1.0.0" "log" (func $log (param i32 i32 i32)))
(import "dualwright:plugin/settings@1.0.0" "get" (func $get (param i32 i32 i32)))

(data (i32.const 896) "hello\0aERROR forged")
(data (i32.const 928) "reason")

(func (export "dualwright:plugin/mapper@1.0.0#describe") (result i32) (i32.const 288))

(func $cabi_realloc (export "cabi_realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32)
    (call $allocate (local.get $size) (local.get $align)))

(func $transform (export "dualwright:plugin/mapper@1.0.0#transform")
    (param $leg i32) (param $initial i32) (param $changes i32) (param $count i32) (result i32)
    (local $answer i32) (local $outcome i32)
    (call $log (i32.const 2) (i32.const 896) (i32.const 18))
    (call $get (i32.const 928) (i32.const 6) (i32.const 960))
    (local.set $answer (call $echo (local.get $changes) (local.get $count)))
    (local.set $outcome (i32.load (local.get $answer)))
    (if (i32.load8_u (i32.const 960))
        (then
            (loop $next
                (i32.store8 (local.get $outcome) (i32.const 2))
                (i32.store offset=4 (local.get $outcome) (i32.load (i32.const 964)))
                (i32.store offset=8 (local.get $outcome) (i32.load (i32.const 968)))
                (local.set $outcome (i32.add (local.get $outcome) (i32.const 12)))
                (local.set $count (i32.sub (local.get $count) (i32.const 1)))
                (br_if $next (local.get $count)))))
    (local.get $answer))
