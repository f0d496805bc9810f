;; What all guests here share, put in front of each. The canonical ABI by hand, so that the guests can break it.
;;
;; The map is called test-map. It moves K, A and B of Left to k, a and b of Right, and back; K and k are the key.
;; A change is 12 bytes: operation, cells (address, count). A cell is 16: kind, then 8 with its payload.
;; An outcome is 12: kind (0 upsert, 1 delete, 2 skip, 3 reject), then address and count of cells, text or violations.

(memory (export "memory") 1)

(data (i32.const 16) "test-map")
(data (i32.const 32) "1.0.0")
(data (i32.const 48) "A test.")
(data (i32.const 64) "Left")
(data (i32.const 72) "Right")
(data (i32.const 80) "KABkab")
;; The key: (80, 1) with (83, 1).
(data (i32.const 96) "\50\00\00\00\01\00\00\00" "\53\00\00\00\01\00\00\00")
;; K, A, B; then k, a, b.
(data (i32.const 128) "\50\00\00\00\01\00\00\00" "\51\00\00\00\01\00\00\00" "\52\00\00\00\01\00\00\00")
(data (i32.const 160) "\53\00\00\00\01\00\00\00" "\54\00\00\00\01\00\00\00" "\55\00\00\00\01\00\00\00")
;; Two legs of 36 bytes: direction, reads, writes, no filter, on-leave delete.
(data (i32.const 192) "\00\00\00\00" "\80\00\00\00\03\00\00\00" "\a0\00\00\00\03\00\00\00"
    "\00\00\00\00\00\00\00\00\00\00\00\00" "\00\00\00\00")
(data (i32.const 228) "\01\00\00\00" "\a0\00\00\00\03\00\00\00" "\80\00\00\00\03\00\00\00"
    "\00\00\00\00\00\00\00\00\00\00\00\00" "\00\00\00\00")
;; The description: name, version, about, both tables, key, legs, two-way, needs.
(data (i32.const 288)
    "\10\00\00\00\08\00\00\00" "\20\00\00\00\05\00\00\00" "\30\00\00\00\07\00\00\00"
    "\40\00\00\00\04\00\00\00" "\48\00\00\00\05\00\00\00" "\60\00\00\00\01\00\00\00"
    "\c0\00\00\00\02\00\00\00" "\00\00\00\00\00\00\00\00" "\00\00\00\00\00\00\00\00")

;; Everything from here on is handed out once and never taken back: the instance lives for one batch.
(global $heap (mut i32) (i32.const 1024))

(func $allocate (param $size i32) (param $align i32) (result i32)
    (local $address i32)
    (local.set $address
        (i32.and
            (i32.add (global.get $heap) (i32.sub (local.get $align) (i32.const 1)))
            (i32.sub (i32.const 0) (local.get $align))))
    (global.set $heap (i32.add (local.get $address) (local.get $size)))
    (block $fits
        (br_if $fits (i32.le_u (global.get $heap) (i32.shl (memory.size) (i32.const 16))))
        (br_if $fits
            (i32.ne
                (memory.grow (i32.add (i32.shr_u (local.get $size) (i32.const 16)) (i32.const 1)))
                (i32.const -1)))
        (unreachable))
    (local.get $address))

;; Whether a change has a text cell that says `boom`.
(func $is_poison (param $change i32) (result i32)
    (local $cell i32) (local $end i32)
    (local.set $cell (i32.load offset=4 (local.get $change)))
    (local.set $end
        (i32.add (local.get $cell) (i32.shl (i32.load offset=8 (local.get $change)) (i32.const 4))))
    (block $done
        (loop $next
            (br_if $done (i32.ge_u (local.get $cell) (local.get $end)))
            (if (i32.and
                    (i32.eq (i32.load8_u (local.get $cell)) (i32.const 2))
                    (i32.eq (i32.load offset=12 (local.get $cell)) (i32.const 4)))
                (then
                    (if (i32.eq (i32.load (i32.load offset=8 (local.get $cell))) (i32.const 0x6d6f6f62))
                        (then (return (i32.const 1))))))
            (local.set $cell (i32.add (local.get $cell) (i32.const 16)))
            (br $next)))
    (i32.const 0))

;; The first poisoned change of a batch, or 0.
(func $find_poison (param $changes i32) (param $count i32) (result i32)
    (block $none
        (loop $next
            (br_if $none (i32.eqz (local.get $count)))
            (if (call $is_poison (local.get $changes)) (then (return (local.get $changes))))
            (local.set $changes (i32.add (local.get $changes) (i32.const 12)))
            (local.set $count (i32.sub (local.get $count) (i32.const 1)))
            (br $next)))
    (i32.const 0))

;; Upserts every change with the very cells that came in, and deletes what was deleted. Gives the address of the list.
(func $echo (param $changes i32) (param $count i32) (result i32)
    (local $answer i32) (local $outcome i32)
    (local.set $answer (call $allocate (i32.const 8) (i32.const 4)))
    (local.set $outcome (call $allocate (i32.mul (local.get $count) (i32.const 12)) (i32.const 4)))
    (i32.store (local.get $answer) (local.get $outcome))
    (i32.store offset=4 (local.get $answer) (local.get $count))
    (block $done
        (loop $next
            (br_if $done (i32.eqz (local.get $count)))
            (i32.store8 (local.get $outcome) (i32.load8_u (local.get $changes)))
            (i32.store offset=4 (local.get $outcome) (i32.load offset=4 (local.get $changes)))
            (i32.store offset=8 (local.get $outcome) (i32.load offset=8 (local.get $changes)))
            (local.set $changes (i32.add (local.get $changes) (i32.const 12)))
            (local.set $outcome (i32.add (local.get $outcome) (i32.const 12)))
            (local.set $count (i32.sub (local.get $count) (i32.const 1)))
            (br $next)))
    (local.get $answer))

;; Echoes, but gives every poisoned change this outcome instead.
(func $echo_but
    (param $changes i32) (param $count i32) (param $kind i32) (param $address i32) (param $length i32) (result i32)
    (local $answer i32) (local $outcome i32)
    (local.set $answer (call $echo (local.get $changes) (local.get $count)))
    (local.set $outcome (i32.load (local.get $answer)))
    (block $done
        (loop $next
            (br_if $done (i32.eqz (local.get $count)))
            (if (call $is_poison (local.get $changes))
                (then
                    (i32.store8 (local.get $outcome) (local.get $kind))
                    (i32.store offset=4 (local.get $outcome) (local.get $address))
                    (i32.store offset=8 (local.get $outcome) (local.get $length))))
            (local.set $changes (i32.add (local.get $changes) (i32.const 12)))
            (local.set $outcome (i32.add (local.get $outcome) (i32.const 12)))
            (local.set $count (i32.sub (local.get $count) (i32.const 1)))
            (br $next)))
    (local.get $answer))
