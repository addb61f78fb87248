//! Capture filters: classic BPF programs, checked once and then run over each frame.
//!
//! What an instruction means follows McCanne and Jacobson, "The BSD Packet Filter" (1993), and the manual page bpf(4): loads outside of
//! the captured bytes and divisions by zero refuse the frame.

use std::fmt;
use std::str::FromStr;

/// Most instructions a program may have. Jumps only go forward, so this also bounds the work for a frame.
pub const MAX_INSTRUCTIONS: usize = 65_536;

/// Words of scratch memory (`BPF_MEMWORDS`).
const MEMORY_WORDS: usize = 16;

/// An instruction as every BPF compiler hands it over (`struct bpf_insn`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instruction {
    /// Operation code: class, size, mode or operation, source.
    pub code: u16,
    /// Instructions to skip when the condition holds.
    pub jt: u8,
    /// Instructions to skip when it does not.
    pub jf: u8,
    /// Constant, offset or index.
    pub k: u32,
}

/// Why a program is refused. Positions are 0-based.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProgramError {
    /// No instructions, or more than [`MAX_INSTRUCTIONS`].
    Length(usize),
    /// An operation code that classic BPF does not have.
    Code {
        /// Position of the instruction.
        position: usize,
        /// Its code.
        code: u16,
    },
    /// A jump that leaves the program.
    Jump(usize),
    /// A scratch memory index that does not exist.
    Memory(usize),
    /// A division by the constant zero.
    Division(usize),
    /// The last instruction does not return.
    End,
    /// Not the decimal text of a program, with the 1-based line.
    Text(usize),
}

impl fmt::Display for ProgramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(count) => {
                write!(f, "filter program of {count} instructions, 1 to {MAX_INSTRUCTIONS} expected")
            }
            Self::Code { position, code } => write!(f, "filter instruction {position}: unknown code {code:#06x}"),
            Self::Jump(position) => write!(f, "filter instruction {position}: jumps out of the program"),
            Self::Memory(position) => write!(f, "filter instruction {position}: no such scratch memory word"),
            Self::Division(position) => write!(f, "filter instruction {position}: divides by zero"),
            Self::End => write!(f, "filter program does not end in a return"),
            Self::Text(line) => write!(f, "filter program, line {line}: four decimal numbers expected"),
        }
    }
}

impl std::error::Error for ProgramError {}

/// Where a load finds its bytes.
#[derive(Debug, Clone, Copy)]
enum At {
    Fixed(usize),
    Indexed(u32),
}

/// How many bytes a load takes.
#[derive(Debug, Clone, Copy)]
enum Size {
    Word,
    Half,
    Byte,
}

#[derive(Debug, Clone, Copy)]
enum Operand {
    K(u32),
    X,
}

#[derive(Debug, Clone, Copy)]
enum Arithmetic {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Or,
    And,
    Xor,
    Shl,
    Shr,
}

#[derive(Debug, Clone, Copy)]
enum Test {
    Equal,
    Greater,
    GreaterOrEqual,
    Set,
}

/// A checked instruction; jump targets and memory indices are absolute and valid.
#[derive(Debug, Clone, Copy)]
enum Step {
    Load(Size, At),
    LoadConstant(u32),
    LoadMemory(usize),
    LoadLength,
    IndexConstant(u32),
    IndexMemory(usize),
    IndexLength,
    IndexHeader(usize),
    Store(usize),
    StoreIndex(usize),
    Arithmetic(Arithmetic, Operand),
    Negate,
    Jump(usize),
    Branch(Test, Operand, usize, usize),
    Return(u32),
    ReturnX,
    ReturnA,
    AToX,
    XToA,
}

/// A checked filter program. It always ends, and never reads outside of the frame.
#[derive(Debug, Clone)]
pub struct Program {
    steps: Vec<Step>,
}

impl Program {
    /// Checks a program: known codes, jumps that stay inside, memory indices below 16, a return at the end.
    ///
    /// # Errors
    /// [`ProgramError`] with the position of the first instruction that is wrong.
    pub fn new(instructions: &[Instruction]) -> Result<Self, ProgramError> {
        if instructions.is_empty() || instructions.len() > MAX_INSTRUCTIONS {
            return Err(ProgramError::Length(instructions.len()));
        }
        let steps = instructions
            .iter()
            .enumerate()
            .map(|(position, instruction)| check(position, *instruction, instructions.len()))
            .collect::<Result<Vec<_>, _>>()?;
        match steps.last() {
            Some(Step::Return(_) | Step::ReturnA | Step::ReturnX) => Ok(Program { steps }),
            _ => Err(ProgramError::End),
        }
    }

    /// Whether the program wants the frame: `bytes` are what was captured, `wire_len` its length on the wire in bytes.
    pub fn accepts(&self, bytes: &[u8], wire_len: u32) -> bool {
        self.run(bytes, wire_len) != 0
    }

    /// The program's return value: how many bytes of the frame it wants; 0 refuses it.
    pub fn run(&self, bytes: &[u8], wire_len: u32) -> u32 {
        let mut machine = Machine { a: 0, x: 0, memory: [0; MEMORY_WORDS], bytes, wire_len };
        let mut position = 0;
        while let Some(step) = self.steps.get(position) {
            match machine.step(*step, position) {
                Next::At(next) => position = next,
                Next::Return(value) => return value,
            }
        }
        0
    }
}

/// Reads what `tcpdump -ddd` prints: the number of instructions, then `code jt jf k` in decimal, one a line.
impl FromStr for Program {
    type Err = ProgramError;

    fn from_str(text: &str) -> Result<Self, ProgramError> {
        let mut lines = text.lines();
        let count: usize = lines.next().and_then(|line| line.trim().parse().ok()).ok_or(ProgramError::Text(1))?;
        let instructions = lines
            .enumerate()
            .map(|(index, line)| instruction(line).ok_or(ProgramError::Text(index.saturating_add(2))))
            .collect::<Result<Vec<_>, _>>()?;
        if instructions.len() != count {
            return Err(ProgramError::Length(instructions.len()));
        }
        Program::new(&instructions)
    }
}

fn instruction(line: &str) -> Option<Instruction> {
    let mut numbers = line.split_whitespace();
    let instruction = Instruction {
        code: numbers.next()?.parse().ok()?,
        jt: numbers.next()?.parse().ok()?,
        jf: numbers.next()?.parse().ok()?,
        k: numbers.next()?.parse().ok()?,
    };
    numbers.next().is_none().then_some(instruction)
}

/// A 32-bit number as a length or offset.
fn wide(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn check(position: usize, instruction: Instruction, count: usize) -> Result<Step, ProgramError> {
    let Instruction { code, jt, jf, k } = instruction;
    let unknown = ProgramError::Code { position, code };
    let operand = if code & 0x08 == 0 { Operand::K(k) } else { Operand::X };
    let memory = || if wide(k) < MEMORY_WORDS { Ok(wide(k)) } else { Err(ProgramError::Memory(position)) };
    let target = |skip: usize| {
        let target = position.saturating_add(1).saturating_add(skip);
        if target < count { Ok(target) } else { Err(ProgramError::Jump(position)) }
    };
    Ok(match code {
        0x00 => Step::LoadConstant(k),
        0x60 => Step::LoadMemory(memory()?),
        0x80 => Step::LoadLength,
        0x20 | 0x28 | 0x30 | 0x40 | 0x48 | 0x50 => load(code, k),
        0x01 => Step::IndexConstant(k),
        0x61 => Step::IndexMemory(memory()?),
        0x81 => Step::IndexLength,
        0xb1 => Step::IndexHeader(wide(k)),
        0x02 => Step::Store(memory()?),
        0x03 => Step::StoreIndex(memory()?),
        0x84 => Step::Negate,
        0x05 => Step::Jump(target(wide(k))?),
        0x06 => Step::Return(k),
        0x0e => Step::ReturnX,
        0x16 => Step::ReturnA,
        0x07 => Step::AToX,
        0x87 => Step::XToA,
        _ if code & 0xff07 == 0x04 => Step::Arithmetic(arithmetic(position, code, operand)?, operand),
        _ if code & 0xff07 == 0x05 => {
            let test = test(code).ok_or(unknown)?;
            Step::Branch(test, operand, target(usize::from(jt))?, target(usize::from(jf))?)
        }
        _ => return Err(unknown),
    })
}

fn load(code: u16, k: u32) -> Step {
    let size = match code & 0x18 {
        0x00 => Size::Word,
        0x08 => Size::Half,
        _ => Size::Byte,
    };
    Step::Load(size, if code & 0x40 == 0 { At::Fixed(wide(k)) } else { At::Indexed(k) })
}

fn arithmetic(position: usize, code: u16, operand: Operand) -> Result<Arithmetic, ProgramError> {
    let operation = match code & 0xf0 {
        0x00 => Arithmetic::Add,
        0x10 => Arithmetic::Sub,
        0x20 => Arithmetic::Mul,
        0x30 => Arithmetic::Div,
        0x40 => Arithmetic::Or,
        0x50 => Arithmetic::And,
        0x60 => Arithmetic::Shl,
        0x70 => Arithmetic::Shr,
        0x90 => Arithmetic::Mod,
        0xa0 => Arithmetic::Xor,
        _ => return Err(ProgramError::Code { position, code }),
    };
    match (operation, operand) {
        (Arithmetic::Div | Arithmetic::Mod, Operand::K(0)) => Err(ProgramError::Division(position)),
        _ => Ok(operation),
    }
}

fn test(code: u16) -> Option<Test> {
    match code & 0xf0 {
        0x10 => Some(Test::Equal),
        0x20 => Some(Test::Greater),
        0x30 => Some(Test::GreaterOrEqual),
        0x40 => Some(Test::Set),
        _ => None,
    }
}

enum Next {
    At(usize),
    Return(u32),
}

struct Machine<'a> {
    a: u32,
    x: u32,
    memory: [u32; MEMORY_WORDS],
    bytes: &'a [u8],
    wire_len: u32,
}

impl Machine<'_> {
    #[inline]
    fn step(&mut self, step: Step, position: usize) -> Next {
        match step {
            Step::Load(size, at) => match self.load(size, at) {
                Some(value) => self.a = value,
                None => return Next::Return(0),
            },
            Step::LoadConstant(k) => self.a = k,
            Step::LoadMemory(index) => self.a = self.recall(index),
            Step::LoadLength => self.a = self.wire_len,
            Step::IndexConstant(k) => self.x = k,
            Step::IndexMemory(index) => self.x = self.recall(index),
            Step::IndexLength => self.x = self.wire_len,
            Step::IndexHeader(at) => match self.bytes.get(at) {
                Some(byte) => self.x = u32::from(byte & 0x0f) << 2,
                None => return Next::Return(0),
            },
            Step::Store(index) => self.keep(index, self.a),
            Step::StoreIndex(index) => self.keep(index, self.x),
            Step::Arithmetic(operation, operand) => match calculate(operation, self.a, self.operand(operand)) {
                Some(value) => self.a = value,
                None => return Next::Return(0),
            },
            Step::Negate => self.a = self.a.wrapping_neg(),
            Step::Jump(target) => return Next::At(target),
            Step::Branch(test, operand, yes, no) => {
                return Next::At(if self.holds(test, self.operand(operand)) { yes } else { no });
            }
            Step::Return(k) => return Next::Return(k),
            Step::ReturnX => return Next::Return(self.x),
            Step::ReturnA => return Next::Return(self.a),
            Step::AToX => self.x = self.a,
            Step::XToA => self.a = self.x,
        }
        Next::At(position.saturating_add(1))
    }

    fn load(&self, size: Size, at: At) -> Option<u32> {
        let offset = match at {
            At::Fixed(offset) => offset,
            // An offset past 32 bits wraps in no implementation that matters: it is outside of every frame.
            At::Indexed(k) => wide(self.x.checked_add(k)?),
        };
        let rest = self.bytes.get(offset..)?;
        match size {
            Size::Word => rest.first_chunk().map(|bytes| u32::from_be_bytes(*bytes)),
            Size::Half => rest.first_chunk().map(|bytes| u32::from(u16::from_be_bytes(*bytes))),
            Size::Byte => rest.first().map(|byte| u32::from(*byte)),
        }
    }

    fn recall(&self, index: usize) -> u32 {
        self.memory.get(index).copied().unwrap_or_default()
    }

    fn keep(&mut self, index: usize, value: u32) {
        if let Some(word) = self.memory.get_mut(index) {
            *word = value;
        }
    }

    fn operand(&self, operand: Operand) -> u32 {
        match operand {
            Operand::K(k) => k,
            Operand::X => self.x,
        }
    }

    fn holds(&self, test: Test, operand: u32) -> bool {
        match test {
            Test::Equal => self.a == operand,
            Test::Greater => self.a > operand,
            Test::GreaterOrEqual => self.a >= operand,
            Test::Set => self.a & operand != 0,
        }
    }
}

/// `None` for a division by zero, which refuses the frame.
fn calculate(operation: Arithmetic, a: u32, b: u32) -> Option<u32> {
    Some(match operation {
        Arithmetic::Add => a.wrapping_add(b),
        Arithmetic::Sub => a.wrapping_sub(b),
        Arithmetic::Mul => a.wrapping_mul(b),
        Arithmetic::Div => a.checked_div(b)?,
        Arithmetic::Mod => a.checked_rem(b)?,
        Arithmetic::Or => a | b,
        Arithmetic::And => a & b,
        Arithmetic::Xor => a ^ b,
        Arithmetic::Shl => a.checked_shl(b).unwrap_or(0),
        Arithmetic::Shr => a.checked_shr(b).unwrap_or(0),
    })
}
