//! Makes of a module with relaxed SIMD one that every browser with SIMD runs, so that it is not compiled a second time.

use anyhow::{Context, Result, ensure};
use std::convert::Infallible;
use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{CodeSection, Function, Instruction, Module, ValType};
use wasmparser::{FunctionBody, Operator, Parser, Payload, Validator, WasmFeatures};

/// A module that is sound only where relaxed SIMD is known: a function of no parameters that puts out
/// `f32x4.relaxed_madd` of three zeros. Its bytes, for JavaScript's `WebAssembly.validate`.
pub fn probe() -> String {
    let zero = [0xfd, 0x0c].into_iter().chain([0; 16]);
    let mut body = vec![0];
    (0..3).for_each(|_| body.extend(zero.clone()));
    body.extend([0xfd, 0x85, 0x02, 0x0b]);
    let mut module = b"\0asm\x01\0\0\0\x01\x05\x01\x60\0\x01\x7b\x03\x02\x01\0\x0a".to_vec();
    module.extend([body.len() as u8 + 2, 1, body.len() as u8]);
    module.extend(body);
    let bytes: Vec<_> = module.iter().map(u8::to_string).collect();
    format!("Uint8Array.of({})", bytes.join(","))
}

/// The same module with a multiplication and an addition in the place of each fused one, which rounds otherwise. Other
/// instructions of relaxed SIMD than those that our kernels come to are refused.
pub fn without_relaxed_simd(module: &[u8]) -> Result<Vec<u8>> {
    let mut splitter = Splitter { locals: first_locals(module)?.into_iter() };
    let mut plain = Module::new();
    splitter
        .parse_core_module(&mut plain, Parser::new(0), module)
        .map_err(|error| anyhow::anyhow!("{error}"))
        .context("relaxed SIMD cannot be taken out of a module")?;
    let plain = plain.finish();
    let features = WasmFeatures::default().difference(WasmFeatures::RELAXED_SIMD);
    Validator::new_with_features(features).validate_all(&plain).context("what is left is no sound module")?;
    ensure!(module != plain, "a module has no relaxed SIMD, though it is built with the feature");
    Ok(plain)
}

/// For each of the module's own functions the number of its parameters, after which its locals begin.
fn first_locals(module: &[u8]) -> Result<Vec<u32>> {
    let (mut parameters, mut counts) = (Vec::new(), Vec::new());
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::TypeSection(section) => {
                for ty in section.into_iter_err_on_gc_types() {
                    parameters.push(u32::try_from(ty?.params().len())?);
                }
            }
            Payload::FunctionSection(section) => {
                for ty in section {
                    counts.push(*parameters.get(ty? as usize).context("a function has no type")?);
                }
            }
            _ => {}
        }
    }
    Ok(counts)
}

struct Splitter {
    /// Function by function.
    locals: std::vec::IntoIter<u32>,
}

impl Reencode for Splitter {
    type Error = Infallible;

    fn parse_function_body(&mut self, code: &mut CodeSection, body: FunctionBody<'_>) -> Result<(), Error<Infallible>> {
        let mut sum = self.locals.next().unwrap_or_default();
        let mut locals = Vec::new();
        for local in body.get_locals_reader()? {
            let (count, ty) = local?;
            locals.push((count, self.val_type(ty)?));
            sum += count;
        }
        let operators = body.get_operators_reader()?.into_iter().collect::<Result<Vec<_>, _>>()?;
        if !operators.iter().any(is_relaxed) {
            return utils::parse_function_body(self, code, body);
        }
        // The sum is put aside for as long as its product takes.
        locals.push((1, ValType::V128));
        let mut function = Function::new(locals);
        for operator in operators {
            match operator {
                Operator::F32x4RelaxedMadd => {
                    function.instruction(&Instruction::LocalSet(sum)).instruction(&Instruction::F32x4Mul);
                    function.instruction(&Instruction::LocalGet(sum)).instruction(&Instruction::F32x4Add);
                }
                // What LLVM makes of a comparison and a choice, with the feature and without it.
                Operator::F32x4RelaxedMax => drop(function.instruction(&Instruction::F32x4PMax)),
                Operator::F32x4RelaxedMin => drop(function.instruction(&Instruction::F32x4PMin)),
                operator => drop(function.instruction(&self.instruction(operator)?)),
            }
        }
        code.function(&function);
        Ok(())
    }
}

fn is_relaxed(operator: &Operator) -> bool {
    matches!(operator, Operator::F32x4RelaxedMadd | Operator::F32x4RelaxedMax | Operator::F32x4RelaxedMin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_encoder::{ExportKind, ExportSection, FunctionSection, TypeSection};

    /// A parameter, a local and a parameter fused, the larger of it and the local, and a function that has nothing of it.
    fn module() -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([ValType::V128, ValType::V128], [ValType::V128]);
        types.ty().function([], []);
        let mut functions = FunctionSection::new();
        functions.function(1).function(0);
        let mut exports = ExportSection::new();
        exports.export("fused", ExportKind::Func, 1);
        let mut fused = Function::new([(1, ValType::V128)]);
        fused.instructions().local_get(0).local_get(2).local_get(1).f32x4_relaxed_madd();
        fused.instructions().local_get(2).f32x4_relaxed_max().end();
        let mut other = Function::new([]);
        other.instructions().end();
        let mut code = CodeSection::new();
        code.function(&other).function(&fused);
        let mut module = Module::new();
        module.section(&types).section(&functions).section(&exports).section(&code);
        module.finish()
    }

    fn bodies(module: &[u8]) -> Vec<Vec<u8>> {
        let payloads = Parser::new(0).parse_all(module).map(|payload| payload.expect("a sound module"));
        let body = |payload| if let Payload::CodeSectionEntry(body) = payload { Some(body) } else { None };
        payloads.filter_map(body).map(|body| body.as_bytes().to_vec()).collect()
    }

    #[test]
    fn a_fused_addition_becomes_two_instructions() {
        let plain = without_relaxed_simd(&module()).expect("a plain module");
        let expected = {
            let mut code = Function::new([(1, ValType::V128), (1, ValType::V128)]);
            code.instructions()
                .local_get(0)
                .local_get(2)
                .local_get(1)
                .local_set(3)
                .f32x4_mul()
                .local_get(3)
                .f32x4_add()
                .local_get(2)
                .f32x4_pmax()
                .end();
            code.into_raw_body()
        };
        assert_eq!(bodies(&plain), [bodies(&module())[0].clone(), expected]);
    }

    #[test]
    fn a_module_without_any_is_refused() {
        let plain = without_relaxed_simd(&module()).expect("a plain module");
        let said = without_relaxed_simd(&plain).expect_err("nothing is left to take out").to_string();
        assert!(said.contains("has no relaxed SIMD"), "{said}");
    }

    #[test]
    fn the_probe_is_sound_with_relaxed_simd_alone() {
        let probe = probe();
        let bytes = probe.trim_start_matches("Uint8Array.of(").trim_end_matches(')').split(',');
        let module: Vec<u8> = bytes.map(|byte| byte.parse().expect("a byte")).collect();
        Validator::new().validate_all(&module).expect("a browser with relaxed SIMD takes it");
        let plain = without_relaxed_simd(&module).expect("a plain module");
        assert_ne!(plain, module);
        let features = WasmFeatures::default().difference(WasmFeatures::RELAXED_SIMD);
        assert!(Validator::new_with_features(features).validate_all(&module).is_err(), "no other takes it");
    }
}
