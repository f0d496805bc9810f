//! The export macro, in its two meanings.

/// Makes a type that implements [`Map`](crate::Map) the component's map.
///
/// Takes the type's name. Off WebAssembly it only checks that the type is a map: the contract's export names hold
/// `:` and `/`, which native linkers refuse.
#[cfg(target_family = "wasm")]
#[macro_export]
macro_rules! export_map {
    ($map:ident) => {
        #[allow(unsafe_code, reason = "an export has a name that the linker must keep")]
        const _: () = {
            struct Exported;

            impl $crate::bindings::exports::dualwright::plugin::mapper::Guest for Exported {
                fn describe() -> $crate::Description {
                    <$map as $crate::Map>::describe()
                }

                fn transform(
                    leg: $crate::Leg,
                    context: $crate::Context,
                    batch: ::std::vec::Vec<$crate::Change>,
                ) -> ::std::vec::Vec<$crate::Outcome> {
                    <$map as $crate::Map>::transform(leg, context, batch)
                }
            }

    $crate::bindings::export_mapper!(Exported with_types_in $crate::bindings);
        };
    };
}

/// Makes a type that implements [`Map`](crate::Map) the component's map.
///
/// Takes the type's name. Off WebAssembly it only checks that the type is a map: the contract's export names hold
/// `:` and `/`, which native linkers refuse.
#[cfg(not(target_family = "wasm"))]
#[macro_export]
macro_rules! export_map {
    ($map:ident) => {
        const _: fn() = || {
            fn is_a_map<M: $crate::Map>() {}
            is_a_map::<$map>();
        };
    };
}

/// Exports what a type that implements [`Resolve`](crate::Resolve) decides, beside the map that
/// [`export_map!`](crate::export_map) exports.
///
/// Takes the type's name. Off WebAssembly it only checks that the type decides.
#[cfg(target_family = "wasm")]
#[macro_export]
macro_rules! export_resolver {
    ($resolver:ident) => {
        #[allow(unsafe_code, reason = "an export has a name that the linker must keep")]
        const _: () = {
            struct Exported;

            impl $crate::resolver_bindings::exports::dualwright::plugin::resolver::Guest for Exported {
                fn resolve(
                    leg: $crate::Leg,
                    context: $crate::Context,
                    batch: ::std::vec::Vec<$crate::Clash>,
                ) -> ::std::vec::Vec<$crate::Verdict> {
                    <$resolver as $crate::Resolve>::resolve(leg, context, batch)
                }
            }

            $crate::resolver_bindings::export_resolver_functions!(
                Exported with_types_in $crate::resolver_bindings
            );
        };
    };
}

/// Exports what a type that implements [`Resolve`](crate::Resolve) decides, beside the map that
/// [`export_map!`](crate::export_map) exports.
///
/// Takes the type's name. Off WebAssembly it only checks that the type decides.
#[cfg(not(target_family = "wasm"))]
#[macro_export]
macro_rules! export_resolver {
    ($resolver:ident) => {
        const _: fn() = || {
            fn decides<R: $crate::Resolve>() {}
            decides::<$resolver>();
        };
    };
}
