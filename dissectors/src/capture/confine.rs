//! What a process may no longer do once its interfaces are open: send, open sockets, or use the sockets of the capture for anything but
//! reading (seccomp(2), filters of Linux). It holds for every thread, cannot be taken back, and children inherit it.

use std::collections::BTreeMap;
use std::fmt;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter_all_threads, sock_filter,
};

/// Why a process can't be confined. It must not go on then.
#[derive(Debug)]
pub struct ConfineError(String);

impl fmt::Display for ConfineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this process can't be kept from sending (seccomp): {}", self.0)
    }
}

impl std::error::Error for ConfineError {}

/// Calls that are refused whatever they are given: those that send or make sockets, those that get at sockets of others, and those by
/// which a process becomes another one.
const NEVER: &[i64] = &[
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept4,
    libc::SYS_accept,
    libc::SYS_setsockopt,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_sendmmsg,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_pidfd_getfd,
    libc::SYS_ptrace,
    libc::SYS_process_vm_writev,
    libc::SYS_bpf,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_execve,
    libc::SYS_execveat,
];

/// Calls that are refused where this argument (from 0) is a socket of the capture: those that write to it, duplicate it or set it.
const ON_CAPTURE: &[(i64, u8)] = &[
    (libc::SYS_write, 0),
    (libc::SYS_writev, 0),
    (libc::SYS_pwrite64, 0),
    (libc::SYS_pwritev, 0),
    (libc::SYS_pwritev2, 0),
    (libc::SYS_sendfile, 0),
    (libc::SYS_splice, 2),
    (libc::SYS_vmsplice, 0),
    (libc::SYS_tee, 1),
    (libc::SYS_copy_file_range, 2),
    (libc::SYS_dup, 0),
    (libc::SYS_dup3, 0),
    (libc::SYS_fcntl, 0),
    (libc::SYS_ioctl, 0),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_dup2, 0),
];

/// Numbers from here on are those of another way to call the system (x32), by which all others could be passed by.
const OTHER_WAY: u32 = 0x4000_0000;

/// Confines this process, with all its threads. What is refused fails with EPERM.
///
/// # Errors
/// Where the kernel does not know seccomp, or refuses.
pub fn confine(descriptors: &[i32]) -> Result<(), ConfineError> {
    let failed = |error: &dyn fmt::Display| ConfineError(error.to_string());
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(|error| failed(&error))?;
    let refused = SeccompAction::Errno(u32::try_from(libc::EPERM).unwrap_or(1));
    let rules = rules(descriptors).map_err(|error| failed(&error))?;
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refused, arch).map_err(|error| failed(&error))?;
    let program = BpfProgram::try_from(filter).map_err(|error| failed(&error))?;
    apply_filter_all_threads(&program).map_err(|error| failed(&error))?;
    if cfg!(target_arch = "x86_64") {
        apply_filter_all_threads(&no_other_way()).map_err(|error| failed(&error))?;
    }
    Ok(())
}

fn rules(descriptors: &[i32]) -> Result<BTreeMap<i64, Vec<SeccompRule>>, seccompiler::BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = NEVER.iter().map(|call| (*call, Vec::new())).collect();
    for (call, argument) in ON_CAPTURE {
        for descriptor in descriptors {
            let number = u64::from(descriptor.cast_unsigned());
            let is = SeccompCondition::new(*argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, number)?;
            rules.entry(*call).or_default().push(SeccompRule::new(vec![is])?);
        }
    }
    // Without a rule of its own a call would be refused always; without a capture there is nothing to protect.
    rules.retain(|call, held| NEVER.contains(call) || !held.is_empty());
    Ok(rules)
}

/// Refuses every number of the other way.
fn no_other_way() -> Vec<sock_filter> {
    const LOAD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS: the call's number is the first word
    const AT_LEAST: u16 = 0x35; // BPF_JMP | BPF_JGE | BPF_K
    const RETURN: u16 = 0x06; // BPF_RET | BPF_K
    const REFUSE: u32 = 0x0005_0001; // SECCOMP_RET_ERRNO with EPERM
    const ALLOW: u32 = 0x7fff_0000;
    let step = |code, jt, k| sock_filter { code, jt, jf: 0, k };
    vec![step(LOAD, 0, 0), step(AT_LEAST, 1, OTHER_WAY), step(RETURN, 0, ALLOW), step(RETURN, 0, REFUSE)]
}
