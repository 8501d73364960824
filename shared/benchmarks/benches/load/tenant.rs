//! A tenant: its client, and the expected state of its directory.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::sleep;

use crate::client::LoadClient;

/// The initial number of users, so that an import has three pages.
pub(crate) const USERS: usize = 250;
/// The initial number of groups.
pub(crate) const GROUPS: usize = 6;

pub(crate) struct LoadTenant {
    pub(crate) client: LoadClient,
    pub(crate) random: RefCell<fastrand::Rng>,
    /// Users and groups that no task has taken. A task takes the resources that it changes, so that it knows the
    /// expected response.
    pub(crate) users: RefCell<Vec<User>>,
    pub(crate) groups: RefCell<Vec<Group>>,
    /// The ids of users whose creation was acknowledged and whose deletion was not requested.
    pub(crate) existing_users: RefCell<BTreeSet<String>>,
    /// The ids of groups whose creation was acknowledged and whose deletion was not requested.
    pub(crate) existing_groups: RefCell<BTreeSet<String>>,
    /// The ids of users whose deletion was acknowledged.
    pub(crate) deleted_users: RefCell<BTreeSet<String>>,
    /// How many creations of users were requested.
    pub(crate) requested_users: Cell<usize>,
    /// Serialises imports, as Okta does.
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

impl LoadTenant {
    pub(crate) fn new(client: LoadClient, seed: u64) -> Self {
        Self {
            client,
            random: RefCell::new(fastrand::Rng::with_seed(seed)),
            users: RefCell::default(),
            groups: RefCell::default(),
            existing_users: RefCell::default(),
            existing_groups: RefCell::default(),
            deleted_users: RefCell::default(),
            requested_users: Cell::default(),
            importing: Mutex::default(),
        }
    }

    /// A new unique name.
    pub(crate) fn new_name(&self) -> String {
        format!("{:016x}", self.random.borrow_mut().u64(..))
    }

    /// Takes a random user. Waits for one if tasks have taken all, because the server is slow.
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

    /// The ids of random users. They are not taken, so another task may delete them meanwhile.
    pub(crate) fn random_users(&self, count: usize) -> BTreeSet<String> {
        let users = self.users.borrow();
        let mut random = self.random.borrow_mut();
        (0..count).filter_map(|_| random.choice(users.iter()).map(|user| user.id.clone())).collect()
    }
}

impl User {
    /// The expected representation.
    pub(crate) fn expected(&self) -> Value {
        json!({ "id": self.id, "userName": self.user_name, "title": self.title, "active": self.active,
            "name": { "givenName": self.given_name, "familyName": "Userova" }, "emails": [{ "value": self.user_name }] })
    }
}
