//! A function in a separate process with the CPU quota of a Lambda of some memory size, and its CPU time and
//! memory.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A Lambda with this memory size has one core.
const CORE_MEMORY_MB: f64 = 1769.0;
/// The period of the quota, which a process may use up at its beginning. Lambda's own period is not documented.
const PERIOD_US: f64 = 20_000.0;
/// The folders of control groups version 1 and version 2.
const CGROUP_FOLDERS: [&str; 2] = ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup"];

pub(crate) struct FunctionProcess {
    child: Child,
    group: Option<PathBuf>,
}

impl FunctionProcess {
    pub(crate) fn start(program: &Path, environment: &[(&str, String)]) -> Self {
        let mut command = Command::new(program);
        command.env_clear().envs(environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self { child: command.spawn().unwrap_or_else(|error| panic!("{}: {error}", program.display())), group: None }
    }

    /// Limits the process to the share of a core that Lambda gives for this memory size.
    pub(crate) fn limit(&mut self, megabytes: u32) {
        let quota = (f64::from(megabytes) / CORE_MEMORY_MB * PERIOD_US).round();
        let group = quotas().expect("quotas are set only where they can be").join(format!("cold-{}", self.child.id()));
        fs::create_dir(&group).unwrap();
        if group.join("cpu.max").exists() {
            fs::write(group.join("cpu.max"), format!("{quota} {PERIOD_US}")).unwrap();
        } else {
            fs::write(group.join("cpu.cfs_period_us"), PERIOD_US.to_string()).unwrap();
            fs::write(group.join("cpu.cfs_quota_us"), quota.to_string()).unwrap();
        }
        fs::write(group.join("cgroup.procs"), self.child.id().to_string()).unwrap();
        self.group = Some(group);
    }

    /// The CPU time of the threads of the process so far, in milliseconds.
    pub(crate) fn cpu(&self) -> f64 {
        let tasks =
            fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("Linux lists the threads of a process");
        let spent = |task: fs::DirEntry| -> Option<f64> {
            let statistics = fs::read_to_string(task.path().join("schedstat")).ok()?;
            statistics.split(' ').next()?.parse().ok()
        };
        tasks.flatten().filter_map(spent).sum::<f64>() / 1e6
    }

    /// The peak memory of the process in megabytes.
    pub(crate) fn memory(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().strip_suffix(" kB").unwrap().parse::<f64>().unwrap() / 1024.0
    }
}

impl Drop for FunctionProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(group) = self.group.take() {
            // The group stays busy for a moment after its last process has ended.
            while fs::remove_dir(&group).is_err_and(|error| error.kind() == ErrorKind::ResourceBusy) {}
        }
    }
}

/// The folder in which this process can create control groups, if there is one.
pub(crate) fn quotas() -> Option<&'static Path> {
    let probe = |folder: &&Path| {
        let group = folder.join(format!("cold-probe-{}", std::process::id()));
        let made = fs::create_dir(&group).is_ok();
        let has = group.join("cpu.max").exists() || group.join("cpu.cfs_quota_us").exists();
        if made {
            let _ = fs::remove_dir(&group);
        }
        has
    };
    CGROUP_FOLDERS.into_iter().map(Path::new).find(probe)
}
