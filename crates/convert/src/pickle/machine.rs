//! The stack machine.

use super::globals::Global;
use anyhow::{Context, Result, bail, ensure};
use safetensors::Dtype;

/// A value on the stack.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value {
    None,
    Bool,
    Int(i64),
    /// Bytes of the pickle itself.
    Text {
        start: u32,
        end: u32,
    },
    Global(Global),
    /// Something in the arena.
    Node(u32),
    /// Something that no state_dict needs: a number with a fraction, a set, an object. It has no content.
    Inert,
}

/// A value with content.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Tuple(Vec<Value>),
    List,
    Dict(Vec<(Value, Value)>),
    Storage { dtype: Dtype, key: Value, numel: u64 },
    Tensor(Box<Tensor>),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tensor {
    pub storage: Value,
    pub offset: u64,
    pub shape: Vec<u64>,
    pub stride: Vec<u64>,
}

pub(super) struct Machine<'a> {
    pickle: &'a [u8],
    at: usize,
    stack: Vec<Value>,
    marks: Vec<usize>,
    memo: Vec<Value>,
    nodes: Vec<Node>,
    /// Bytes of memory that may still be used.
    budget: u64,
}

impl<'a> Machine<'a> {
    pub fn new(pickle: &'a [u8], budget: u64) -> Self {
        Self { pickle, at: 0, stack: vec![], marks: vec![], memo: vec![], nodes: vec![], budget }
    }

    /// Runs the program; its result.
    pub fn run(&mut self) -> Result<Value> {
        ensure!(u32::try_from(self.pickle.len()).is_ok(), "the pickle is too large");
        loop {
            let at = self.at;
            match self.byte()? {
                b'.' => return self.pop(),
                opcode => self.step(opcode).with_context(|| format!("pickle opcode 0x{opcode:02x} at byte {at}"))?,
            }
        }
    }

    pub fn node(&self, value: Value) -> Option<&Node> {
        let Value::Node(index) = value else { return None };
        self.nodes.get(index as usize)
    }

    pub fn text(&self, value: Value) -> Option<&'a str> {
        let Value::Text { start, end } = value else { return None };
        std::str::from_utf8(self.pickle.get(start as usize..end as usize)?).ok()
    }

    /// What a dictionary has under a name.
    pub fn entry(&self, value: Value, name: &str) -> Option<Value> {
        let Some(Node::Dict(entries)) = self.node(value) else { return None };
        entries.iter().rev().find(|(key, _)| self.text(*key) == Some(name)).map(|(_, value)| *value)
    }

    fn step(&mut self, opcode: u8) -> Result<()> {
        match opcode {
            0x80 => self.protocol(),
            0x95 => self.take(8).map(drop),
            b'N' => self.push(Value::None),
            0x88 | 0x89 => self.push(Value::Bool),
            b'K' | b'M' | b'J' | 0x8a => self.integer(opcode),
            b'G' => self.take(8).and_then(|_| self.push(Value::Inert)),
            b'X' | b'T' | b'B' => self.string(4),
            0x8c | b'U' | b'C' => self.string(1),
            0x8d | 0x8e => self.string(8),
            b'(' => self.mark(),
            b'0' => self.pop().map(drop),
            b'1' => self.pop_mark().map(drop),
            b'2' => self.top().and_then(|top| self.push(top)),
            b')' => self.push_node(Node::Tuple(Vec::new())),
            0x85..=0x87 => {
                self.pop_many(usize::from(opcode - 0x84)).and_then(|items| self.push_node(Node::Tuple(items)))
            }
            b't' => self.pop_mark().and_then(|items| self.push_node(Node::Tuple(items))),
            b']' => self.push_node(Node::List),
            b'l' => self.pop_mark().and_then(|_| self.push_node(Node::List)),
            b'a' => self.pop().and_then(|_| self.expect_list()),
            b'e' | 0x90 => self.pop_mark().and_then(|_| self.expect_list()),
            b'}' => self.push_node(Node::Dict(Vec::new())),
            b'd' => self.pop_mark().and_then(|items| self.dict(&items)),
            b's' => self.pop_many(2).and_then(|items| self.set_items(&items)),
            b'u' => self.pop_mark().and_then(|items| self.set_items(&items)),
            0x8f => self.push(Value::Inert),
            0x91 => self.pop_mark().and_then(|_| self.push(Value::Inert)),
            b'q' => self.little_endian(1).and_then(|index| self.put(index)),
            b'r' => self.little_endian(4).and_then(|index| self.put(index)),
            0x94 => self.put(self.memo.len() as u64),
            b'h' => self.get(1),
            b'j' => self.get(4),
            b'c' => self.global(),
            0x93 => self.stack_global(),
            b'R' | 0x81 => self.pop_many(2).and_then(|both| self.call(both[0], both[1])),
            // An object's attributes, or the `_metadata` of a state_dict: nothing that is needed.
            b'b' => self.pop().and_then(|_| self.top()).map(drop),
            b'Q' => self.storage(),
            _ => bail!("no state_dict needs this opcode: save model.state_dict() with torch.save"),
        }
    }

    fn protocol(&mut self) -> Result<()> {
        let protocol = self.byte()?;
        ensure!((2..=5).contains(&protocol), "pickle protocol {protocol}: only 2 to 5 are known");
        Ok(())
    }

    /// The name in the pickle's own text.
    fn global(&mut self) -> Result<()> {
        let (module, name) = (self.line()?, self.line()?);
        self.push(Value::Global(Global::find(module, name)?))
    }

    /// The name on the stack.
    fn stack_global(&mut self) -> Result<()> {
        let names = self.pop_many(2)?;
        let (Some(module), Some(name)) = (self.text(names[0]), self.text(names[1])) else {
            bail!("a global without a name");
        };
        self.push(Value::Global(Global::find(module, name)?))
    }

    /// What a call would make. Nothing is called.
    fn call(&mut self, callee: Value, arguments: Value) -> Result<()> {
        let Some(Node::Tuple(arguments)) = self.node(arguments) else { bail!("a call without arguments") };
        let Value::Global(global) = callee else { bail!("a call of something that is no function") };
        match global {
            Global::OrderedDict => self.push_node(Node::Dict(Vec::new())),
            Global::RebuildParameter => {
                let parameter = *arguments.first().context("a parameter without data")?;
                self.push(parameter)
            }
            Global::RebuildTensor => {
                let [storage, Value::Int(offset), shape, stride, ..] = arguments[..] else {
                    bail!("a tensor without storage, offset, shape and stride");
                };
                let tensor = Tensor {
                    storage,
                    offset: u64::try_from(offset).context("a tensor with a negative offset")?,
                    shape: self.sizes(shape).context("a tensor's shape")?,
                    stride: self.sizes(stride).context("a tensor's stride")?,
                };
                ensure!(tensor.shape.len() == tensor.stride.len(), "a tensor's shape and stride do not fit");
                self.charge::<u64>(2 * tensor.shape.len() + 16)?;
                self.push_node(Node::Tensor(Box::new(tensor)))
            }
            Global::Storage(_) | Global::Inert => self.push(Value::Inert),
        }
    }

    fn sizes(&self, value: Value) -> Result<Vec<u64>> {
        let Some(Node::Tuple(items)) = self.node(value) else { bail!("it is not a tuple") };
        let size = |item: &Value| match item {
            Value::Int(n) => u64::try_from(*n).context("it is negative"),
            _ => bail!("it is not made of integers"),
        };
        ensure!(items.len() <= 16, "it has {} dimensions", items.len());
        items.iter().map(size).collect()
    }

    /// `("storage", type, key, device, numel)`
    fn storage(&mut self) -> Result<()> {
        let id = self.pop()?;
        let node = match self.node(id) {
            Some(Node::Tuple(items)) => match items[..] {
                [_, Value::Global(Global::Storage(dtype)), key @ Value::Text { .. }, _, Value::Int(numel)] => {
                    Node::Storage { dtype, key, numel: u64::try_from(numel).context("a negative size")? }
                }
                _ => bail!("a storage of a kind that is not known"),
            },
            _ => bail!("a storage of a kind that is not known"),
        };
        self.push_node(node)
    }

    fn dict(&mut self, items: &[Value]) -> Result<()> {
        self.push_node(Node::Dict(Vec::new()))?;
        self.set_items(items)
    }

    fn set_items(&mut self, items: &[Value]) -> Result<()> {
        ensure!(items.len().is_multiple_of(2), "a key without a value");
        self.charge::<Value>(items.len())?;
        match self.top()? {
            Value::Inert => Ok(()),
            Value::Node(index) => match self.nodes.get_mut(index as usize) {
                Some(Node::Dict(entries)) => {
                    entries.extend(items.chunks_exact(2).map(|pair| (pair[0], pair[1])));
                    Ok(())
                }
                _ => bail!("entries for something that is no dictionary"),
            },
            _ => bail!("entries for something that is no dictionary"),
        }
    }

    /// Items of lists and sets are dropped: no state_dict has one.
    fn expect_list(&self) -> Result<()> {
        match self.top()? {
            Value::Inert => Ok(()),
            list if matches!(self.node(list), Some(Node::List)) => Ok(()),
            _ => bail!("items for something that is no list"),
        }
    }

    fn put(&mut self, index: u64) -> Result<()> {
        let top = self.top()?;
        let end = self.memo.len() as u64;
        match usize::try_from(index).ok().and_then(|index| self.memo.get_mut(index)) {
            Some(place) => *place = top,
            None => {
                ensure!(index == end, "memo entry {index} after {end}");
                self.charge::<Value>(1)?;
                self.memo.push(top);
            }
        }
        Ok(())
    }

    fn get(&mut self, width: usize) -> Result<()> {
        let index = self.little_endian(width)?;
        let value = usize::try_from(index).ok().and_then(|index| self.memo.get(index).copied());
        self.push(value.with_context(|| format!("no memo entry {index}"))?)
    }

    fn integer(&mut self, opcode: u8) -> Result<()> {
        let value = match opcode {
            b'K' => self.little_endian(1)? as i64,
            b'M' => self.little_endian(2)? as i64,
            b'J' => i64::from(self.little_endian(4)? as u32 as i32),
            _ => {
                let length = usize::from(self.byte()?);
                let bytes = self.take(length)?;
                let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
                let mut all = [if negative { 0xff } else { 0 }; 8];
                match all.get_mut(..length) {
                    Some(low) => low.copy_from_slice(bytes),
                    // A random generator's state, say.
                    None => return self.push(Value::Inert),
                }
                i64::from_le_bytes(all)
            }
        };
        self.push(Value::Int(value))
    }

    fn string(&mut self, width: usize) -> Result<()> {
        let length = usize::try_from(self.little_endian(width)?)?;
        let start = self.at;
        self.take(length)?;
        self.push(Value::Text { start: start as u32, end: self.at as u32 })
    }

    fn pop(&mut self) -> Result<Value> {
        Ok(self.pop_many(1)?[0])
    }

    /// Pops values, the deepest first; never beyond a mark.
    fn pop_many(&mut self, count: usize) -> Result<Vec<Value>> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let start = self.stack.len().checked_sub(count).filter(|start| *start >= floor);
        Ok(self.stack.split_off(start.context("the stack is empty")?))
    }

    fn mark(&mut self) -> Result<()> {
        self.charge::<usize>(1)?;
        self.marks.push(self.stack.len());
        Ok(())
    }

    fn pop_mark(&mut self) -> Result<Vec<Value>> {
        let mark = self.marks.pop().context("no mark")?;
        self.charge::<Value>(self.stack.len() - mark)?;
        Ok(self.stack.split_off(mark))
    }

    fn top(&self) -> Result<Value> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let values = self.stack.get(floor..).unwrap_or_default();
        values.last().copied().context("the stack is empty")
    }

    fn push(&mut self, value: Value) -> Result<()> {
        self.charge::<Value>(1)?;
        self.stack.push(value);
        Ok(())
    }

    fn push_node(&mut self, node: Node) -> Result<()> {
        self.charge::<Node>(1)?;
        let index = u32::try_from(self.nodes.len())?;
        self.nodes.push(node);
        self.push(Value::Node(index))
    }

    /// Takes memory off the budget.
    fn charge<T>(&mut self, count: usize) -> Result<()> {
        let bytes = (count * size_of::<T>()) as u64;
        self.budget = self.budget.checked_sub(bytes).context("it asks for more memory than the whole file has")?;
        Ok(())
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(count);
        let bytes = end.and_then(|end| self.pickle.get(self.at..end)).context("the pickle ends in the middle")?;
        self.at += count;
        Ok(bytes)
    }

    fn little_endian(&mut self, width: usize) -> Result<u64> {
        Ok(self.take(width)?.iter().rev().fold(0, |n, byte| n << 8 | u64::from(*byte)))
    }

    fn line(&mut self) -> Result<&'a str> {
        let rest = &self.pickle[self.at..];
        let length = rest.iter().position(|byte| *byte == b'\n').context("a name without an end")?;
        self.at += length + 1;
        std::str::from_utf8(&rest[..length]).context("a name that is not text")
    }
}
