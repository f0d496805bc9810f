//! What the engine's macro makes of `wit/`: every interface there is, whatever a component uses of it.

#![allow(
    unsafe_code,
    unreachable_pub,
    dead_code,
    clippy::allow_attributes_without_reason,
    reason = "generated from wit/ by the engine's own macro"
)]

wasmtime::component::bindgen!({
    path: "../../wit",
    inline: "
        package dualwright:host;

        world everything {
            import dualwright:plugin/log@1.1.0;
            import dualwright:plugin/settings@1.1.0;
            import dualwright:plugin/lookup@1.1.0;
            import dualwright:plugin/http@1.1.0;
            export dualwright:plugin/mapper@1.1.0;
            export dualwright:plugin/validator@1.1.0;
            export dualwright:plugin/extension@1.1.0;
            export dualwright:plugin/resolver@1.1.0;
        }
    ",
    imports: {
        "dualwright:plugin/lookup@1.1.0.find": trappable,
        "dualwright:plugin/http@1.1.0.send": trappable,
    },
    ownership: Borrowing { duplicate_if_necessary: true },
});
