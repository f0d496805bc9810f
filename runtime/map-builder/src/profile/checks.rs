//! Prepares a component for being counted.

use std::convert::Infallible;

use wasm_encoder::reencode::{self, Reencode, ReencodeComponent};
use wasm_encoder::{BlockType, CodeSection, Component, Instruction};
use wasmparser::{FunctionBody, Operator, Parser};

/// The same component, whose functions look whether their time is up whenever a call has returned: an empty loop
/// stands behind each call, and guests look at the head of a loop. Thus whoever counts sees the end of every call as
/// well as its beginning. Loops without a turn are free of fuel, and nothing else changes.
///
/// # Errors
/// When it cannot be taken apart; the sentence says why.
pub(super) fn after_calls(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut component = Component::new();
    AfterCalls
        .parse_component(&mut component, Parser::new(0), bytes)
        .map_err(|error| format!("it cannot be taken apart: {error}"))?;
    Ok(component.finish())
}

struct AfterCalls;

impl Reencode for AfterCalls {
    type Error = Infallible;

    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        body: FunctionBody<'_>,
    ) -> Result<(), reencode::Error<Infallible>> {
        let mut function = self.new_function_with_parsed_locals(&body)?;
        let mut reader = body.get_operators_reader()?;
        while !reader.eof() {
            let operator = reader.read()?;
            let call = matches!(
                operator,
                Operator::Call { .. } | Operator::CallIndirect { .. } | Operator::CallRef { .. }
            );
            function.instruction(&self.instruction(operator)?);
            if call {
                function.instruction(&Instruction::Loop(BlockType::Empty));
                function.instruction(&Instruction::End);
            }
        }
        code.function(&function);
        Ok(())
    }
}

impl ReencodeComponent for AfterCalls {}
