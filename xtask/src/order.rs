//! Puts a module's functions into an order in which compression finds more: those that look alike beside each other.
//!
//! gzip looks back 32 kB. What looks most alike are functions that the compiler made of one source for several types: they have
//! the same parameters and results, nearly as many locals, and nearly the same length.

use anyhow::{Context, Result};
use std::convert::Infallible;
use wasm_encoder::reencode::{Error, Reencode};
use wasm_encoder::{CodeSection, FunctionSection, Module};
use wasmparser::{CodeSectionReader, FuncType, FunctionSectionReader, Parser, Payload, TypeRef};

/// The same module with its functions in that order.
pub fn by_likeness(module: &[u8]) -> Result<Vec<u8>> {
    let mut order = Order::of(module)?;
    let mut ordered = Module::new();
    order
        .parse_core_module(&mut ordered, Parser::new(0), module)
        .map_err(|error| anyhow::anyhow!("{error}"))
        .context("a module cannot be put into another order")?;
    Ok(ordered.finish())
}

/// Where the functions go.
struct Order {
    /// Functions that come from outside: they keep their numbers, which are the first.
    imported: u32,
    /// The new order, as old places among the module's own functions.
    order: Vec<usize>,
    /// By old place: the new one.
    places: Vec<u32>,
}

impl Order {
    fn of(module: &[u8]) -> Result<Self> {
        let (mut types, mut of_functions, mut imported): (Vec<FuncType>, Vec<u32>, u32) = Default::default();
        let mut shapes = Vec::new();
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::TypeSection(section) => {
                    types = section.into_iter_err_on_gc_types().collect::<Result<_, _>>()?;
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        imported += u32::from(matches!(import?.ty, TypeRef::Func(_) | TypeRef::FuncExact(_)));
                    }
                }
                Payload::FunctionSection(section) => of_functions = section.into_iter().collect::<Result<_, _>>()?,
                Payload::CodeSectionEntry(body) => {
                    let locals = body.get_locals_reader()?.into_iter();
                    let locals = locals.map(|local| local.map(|(count, _)| count)).sum::<Result<u32, _>>()?;
                    shapes.push((locals, body.as_bytes().len()));
                }
                _ => {}
            }
        }
        let signature = |place: usize| of_functions.get(place).and_then(|ty| types.get(*ty as usize)).map(written);
        let mut order: Vec<usize> = (0..shapes.len()).collect();
        order.sort_by_cached_key(|place| (signature(*place), shapes[*place]));
        let mut places = vec![0; order.len()];
        order.iter().zip(0..).for_each(|(old, new)| places[*old] = new);
        Ok(Self { imported, order, places })
    }
}

/// Parameters and results, as text.
fn written(ty: &FuncType) -> String {
    format!("{:?} {:?}", ty.params(), ty.results())
}

impl Reencode for Order {
    type Error = Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32, Error<Infallible>> {
        let own = function.checked_sub(self.imported);
        Ok(own.map_or(function, |own| self.imported + self.places[own as usize]))
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        let types = section.into_iter().collect::<Result<Vec<u32>, _>>()?;
        for old in &self.order {
            functions.function(types[*old]);
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: CodeSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        let bodies = section.into_iter().collect::<Result<Vec<_>, _>>()?;
        for place in self.order.clone() {
            self.parse_function_body(code, bodies[place].clone())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_encoder::{
        ConstExpr, ElementSection, Elements, EntityType, ExportKind, ExportSection, Function, ImportSection, RefType,
        TableSection, TableType, TypeSection, ValType,
    };

    /// An imported function, then three of its own: `() -> i32`, `i32 -> i32` that calls it, `() -> i32`.
    fn module() -> Vec<u8> {
        let mut module = Module::new();
        let mut types = TypeSection::new();
        types.ty().function([], [ValType::I32]);
        types.ty().function([ValType::I32], [ValType::I32]);
        let mut imports = ImportSection::new();
        imports.import("a", "b", EntityType::Function(0));
        let mut functions = FunctionSection::new();
        for ty in [1, 0, 0] {
            functions.function(ty);
        }
        let mut tables = TableSection::new();
        tables.table(TableType {
            element_type: RefType::FUNCREF,
            table64: false,
            minimum: 2,
            maximum: None,
            shared: false,
        });
        let mut exports = ExportSection::new();
        exports.export("calls", ExportKind::Func, 1).export("seven", ExportKind::Func, 3);
        let mut elements = ElementSection::new();
        elements.active(None, &ConstExpr::i32_const(0), Elements::Functions([1, 2].as_slice().into()));
        let mut code = CodeSection::new();
        let mut calls = Function::new([]);
        calls.instructions().call(3).local_get(0).i32_add().end();
        let mut long = Function::new([]);
        long.instructions().i32_const(1).i32_const(2).i32_add().i32_const(3).i32_add().end();
        let mut seven = Function::new([]);
        seven.instructions().i32_const(7).end();
        code.function(&calls).function(&long).function(&seven);
        module.section(&types).section(&imports).section(&functions).section(&tables).section(&exports);
        module.section(&elements).section(&code);
        module.finish()
    }

    #[test]
    fn what_is_named_called_and_exported_stays_the_same_function() {
        let ordered = by_likeness(&module()).expect("another order");
        assert_ne!(ordered, module());
        let (mut exports, mut bodies, mut types, mut table) = (vec![], vec![], vec![], vec![]);
        for payload in Parser::new(0).parse_all(&ordered) {
            match payload.expect("a sound module") {
                Payload::ExportSection(section) => {
                    exports.extend(section.into_iter().flatten().map(|it| (it.name, it.index)))
                }
                Payload::FunctionSection(section) => types.extend(section.into_iter().flatten()),
                Payload::CodeSectionEntry(body) => bodies.push(body.as_bytes().to_vec()),
                Payload::ElementSection(section) => {
                    for element in section.into_iter().flatten() {
                        if let wasmparser::ElementItems::Functions(functions) = element.items {
                            table.extend(functions.into_iter().flatten());
                        }
                    }
                }
                _ => {}
            }
        }
        // Of those that look alike the short one comes first.
        assert_eq!(types, [1, 0, 0]);
        assert_eq!(exports, [("calls", 1), ("seven", 2)]);
        assert_eq!(table, [1, 3]);
        // It calls "seven", wherever that is.
        assert_eq!(bodies[0], [0, 0x10, 2, 0x20, 0, 0x6a, 0x0b]);
        assert_eq!(by_likeness(&ordered).expect("the same order"), ordered);
    }
}
