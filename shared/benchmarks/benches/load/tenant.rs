//! A tenant: its client, and what has to be in its directory.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::sleep;

use crate::client::Client;

/// So many users there are: an import has three pages.
pub(crate) const USERS: usize = 250;
/// So many groups there are.
pub(crate) const GROUPS: usize = 6;

pub(crate) struct Tenant {
    pub(crate) client: Client,
    pub(crate) random: RefCell<fastrand::Rng>,
    /// Users and groups that no job has at the moment: a job takes what it changes, so that it knows what has to be answered.
    pub(crate) users: RefCell<Vec<User>>,
    pub(crate) groups: RefCell<Vec<Group>>,
    /// The ids of users whose creation was answered, and whose end was not asked for.
    pub(crate) there: RefCell<BTreeSet<String>>,
    /// The same of groups.
    pub(crate) groups_there: RefCell<BTreeSet<String>>,
    /// The ids of users whose deletion was answered.
    pub(crate) gone: RefCell<BTreeSet<String>>,
    /// How many users' creation was asked for.
    pub(crate) begun: Cell<usize>,
    /// An import begins when the one before it has ended, as they do at Okta.
    pub(crate) importing: Mutex<()>,
}

pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) user_name: String,
    pub(crate) given_name: String,
    pub(crate) title: String,
    pub(crate) active: bool,
}

pub(crate) struct Group {
    pub(crate) id: String,
    pub(crate) display_name: String,
    pub(crate) members: BTreeSet<String>,
}

impl Tenant {
    pub(crate) fn new(client: Client, seed: u64) -> Self {
        Self {
            client,
            random: RefCell::new(fastrand::Rng::with_seed(seed)),
            users: RefCell::default(),
            groups: RefCell::default(),
            there: RefCell::default(),
            groups_there: RefCell::default(),
            gone: RefCell::default(),
            begun: Cell::default(),
            importing: Mutex::default(),
        }
    }

    /// A name that nobody has had.
    pub(crate) fn new_name(&self) -> String {
        format!("{:016x}", self.random.borrow_mut().u64(..))
    }

    /// Any user that no job has; where the server is so slow that all are taken, it waits for one.
    pub(crate) async fn user(&self) -> User {
        self.take(&self.users).await
    }

    pub(crate) async fn group(&self) -> Group {
        self.take(&self.groups).await
    }

    async fn take<T>(&self, all: &RefCell<Vec<T>>) -> T {
        loop {
            let count = all.borrow().len();
            if count > 0 {
                let any = self.random.borrow_mut().usize(..count);
                return all.borrow_mut().swap_remove(any);
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Some users that no job has. Nothing keeps them from being deleted meanwhile.
    pub(crate) fn some(&self, count: usize) -> BTreeSet<String> {
        let (users, mut random) = (self.users.borrow(), self.random.borrow_mut());
        (0..count).filter_map(|_| random.choice(users.iter()).map(|user| user.id.clone())).collect()
    }
}

impl User {
    /// What has to be answered for it.
    pub(crate) fn shown(&self) -> Value {
        json!({ "id": self.id, "userName": self.user_name, "title": self.title, "active": self.active,
            "name": { "givenName": self.given_name, "familyName": "Userova" }, "emails": [{ "value": self.user_name }] })
    }
}
