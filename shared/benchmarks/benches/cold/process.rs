//! A function in a process of its own, under the CPU quota of a Lambda of some size, and what it took.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A Lambda of so many megabytes has one core's time.
const MEGABYTES_OF_A_CORE: f64 = 1769.0;
/// In microseconds. Lambda's is not documented; within one the quota can be used at once.
const PERIOD: f64 = 20_000.0;
/// Where Linux keeps the quotas of version 1 of its control groups, and of version 2.
const CPU: [&str; 2] = ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup"];

pub(crate) struct Process {
    child: Child,
    group: Option<PathBuf>,
}

impl Process {
    pub(crate) fn start(program: &Path, environment: &[(&str, String)]) -> Self {
        let mut command = Command::new(program);
        command.env_clear().envs(environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self { child: command.spawn().unwrap_or_else(|error| panic!("{}: {error}", program.display())), group: None }
    }

    /// From here on it has what a Lambda of so much memory has of a core.
    pub(crate) fn limit(&mut self, megabytes: u32) {
        let quota = (f64::from(megabytes) / MEGABYTES_OF_A_CORE * PERIOD).round();
        let group =
            quotas().expect("a quota is set only where there are any").join(format!("cold-{}", self.child.id()));
        fs::create_dir(&group).unwrap();
        if group.join("cpu.max").exists() {
            fs::write(group.join("cpu.max"), format!("{quota} {PERIOD}")).unwrap();
        } else {
            fs::write(group.join("cpu.cfs_period_us"), PERIOD.to_string()).unwrap();
            fs::write(group.join("cpu.cfs_quota_us"), quota.to_string()).unwrap();
        }
        fs::write(group.join("cgroup.procs"), self.child.id().to_string()).unwrap();
        self.group = Some(group);
    }

    /// The CPU time of its threads so far, in milliseconds.
    pub(crate) fn cpu(&self) -> f64 {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("Linux tells of a process");
        let spent = |task: fs::DirEntry| -> Option<f64> {
            let statistics = fs::read_to_string(task.path().join("schedstat")).ok()?;
            statistics.split(' ').next()?.parse().ok()
        };
        tasks.flatten().filter_map(spent).sum::<f64>() / 1e6
    }

    /// The most memory that it has had, in megabytes.
    pub(crate) fn memory(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().strip_suffix(" kB").unwrap().parse::<f64>().unwrap() / 1024.0
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(group) = self.group.take() {
            // It is gone a moment after its last process.
            while fs::remove_dir(&group).is_err_and(|error| error.kind() == ErrorKind::ResourceBusy) {}
        }
    }
}

/// The folder of quotas, if this process may set any.
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
    CPU.into_iter().map(Path::new).find(probe)
}
