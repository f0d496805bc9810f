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

/// Makes a type that implements [`Validate`](crate::Validate) the component's validator.
///
/// Takes the type's name. Off WebAssembly it only checks that the type is a validator.
#[cfg(target_family = "wasm")]
#[macro_export]
macro_rules! export_validator {
    ($validator:ident) => {
        #[allow(unsafe_code, reason = "an export has a name that the linker must keep")]
        const _: () = {
            struct Exported;

            impl $crate::validator_bindings::exports::dualwright::plugin::validator::Guest for Exported {
                fn describe_validator() -> $crate::ValidatorDescription {
                    <$validator as $crate::Validate>::describe()
                }

                fn validate(
                    context: $crate::Context,
                    batch: ::std::vec::Vec<$crate::Change>,
                ) -> ::std::vec::Vec<::std::vec::Vec<$crate::Violation>> {
                    <$validator as $crate::Validate>::validate(context, batch)
                }
            }

            $crate::validator_bindings::export_validator_functions!(
                Exported with_types_in $crate::validator_bindings
            );
        };
    };
}

/// Makes a type that implements [`Validate`](crate::Validate) the component's validator.
///
/// Takes the type's name. Off WebAssembly it only checks that the type is a validator.
#[cfg(not(target_family = "wasm"))]
#[macro_export]
macro_rules! export_validator {
    ($validator:ident) => {
        const _: fn() = || {
            fn is_a_validator<V: $crate::Validate>() {}
            is_a_validator::<$validator>();
        };
    };
}

/// Makes a type that implements [`Extend`](crate::Extend) the component's extension.
///
/// Takes the type's name. Off WebAssembly it only checks that the type is an extension.
#[cfg(target_family = "wasm")]
#[macro_export]
macro_rules! export_extension {
    ($extension:ident) => {
        #[allow(unsafe_code, reason = "an export has a name that the linker must keep")]
        const _: () = {
            struct Exported;

            impl $crate::extension_bindings::exports::dualwright::plugin::extension::Guest for Exported {
                fn describe_extension() -> $crate::ExtensionDescription {
                    <$extension as $crate::Extend>::describe()
                }

                fn extend(
                    context: $crate::Context,
                    batch: ::std::vec::Vec<$crate::Passing>,
                ) -> ::std::vec::Vec<$crate::Extended> {
                    <$extension as $crate::Extend>::extend(context, batch)
                }
            }

            $crate::extension_bindings::export_extension_functions!(
                Exported with_types_in $crate::extension_bindings
            );
        };
    };
}

/// Makes a type that implements [`Extend`](crate::Extend) the component's extension.
///
/// Takes the type's name. Off WebAssembly it only checks that the type is an extension.
#[cfg(not(target_family = "wasm"))]
#[macro_export]
macro_rules! export_extension {
    ($extension:ident) => {
        const _: fn() = || {
            fn is_an_extension<E: $crate::Extend>() {}
            is_an_extension::<$extension>();
        };
    };
}
