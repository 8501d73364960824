//! The operations of the model on the e-mails of a user.

use super::email::{Email, is_same, merge};
use super::operation::{Op, Part};
use super::user::User;

impl User {
    pub(super) fn of_kind(&self, kind: &str) -> Vec<usize> {
        (0..self.emails.len()).filter(|at| self.emails[*at].kind.as_deref() == Some(kind)).collect()
    }

    /// Makes one e-mail primary, and all others not.
    fn promote(&mut self, at: usize) {
        for (other, email) in self.emails.iter_mut().enumerate() {
            if other != at && email.primary.is_some() {
                email.primary = Some(false);
            }
        }
        self.emails[at].primary = Some(true);
    }

    pub(super) fn add(&mut self, sent: &Email) {
        let at = self.emails.iter().position(|email| is_same(email, sent)).unwrap_or_else(|| {
            self.emails.push(Email::default());
            self.emails.len() - 1
        });
        merge(&mut self.emails[at], sent);
        if self.emails[at].primary == Some(true) {
            self.promote(at);
        }
    }

    /// Leaves out empty e-mails. A selected e-mail becomes one with those that have the same value and type (RFC 7643
    /// §2.4): it wins, and the result is selected, and primary if one of them was. The last selected primary one stays
    /// primary.
    fn settle(&mut self, mut selected: Vec<bool>) {
        for at in (0..self.emails.len()).rev().filter(|at| self.emails[*at] == Email::default()).collect::<Vec<_>>() {
            self.emails.remove(at);
            selected.remove(at);
        }
        let mut first = 0;
        while first < self.emails.len() {
            let alike = |at: &usize| is_same(&self.emails[first], &self.emails[*at]);
            let (strong, weak): (Vec<usize>, Vec<usize>) =
                (first..self.emails.len()).filter(alike).partition(|at| selected[*at]);
            if !strong.is_empty() && strong.len() + weak.len() > 1 {
                let mut merged = Email::default();
                for at in weak.iter().chain(&strong) {
                    let was_primary = merged.primary == Some(true);
                    merge(&mut merged, &self.emails[*at]);
                    merged.primary = if was_primary { Some(true) } else { merged.primary };
                }
                self.emails[first] = merged;
                selected[first] = true;
                let mut gone: Vec<usize> = weak.into_iter().chain(strong).filter(|at| *at != first).collect();
                gone.sort_unstable();
                for at in gone.into_iter().rev() {
                    self.emails.remove(at);
                    selected.remove(at);
                }
            }
            first += 1;
        }
        let is_new_primary = |at: &usize| selected[*at] && self.emails[*at].primary == Some(true);
        if let Some(last) = (0..self.emails.len()).rev().find(is_new_primary) {
            self.promote(last);
        }
    }

    pub(super) fn matching(&mut self, op: Op, kind: &str, sent: &Email) -> bool {
        let found = self.of_kind(kind);
        match op {
            // Nothing happens if there is none (RFC 7644 §3.5.2.2).
            Op::Remove => {
                self.emails.retain(|email| email.kind.as_deref() != Some(kind));
                return true;
            }
            // RFC 7644 does not define this case; identity providers expect a new e-mail.
            Op::Add if found.is_empty() => {
                let mut new = Email { kind: Some(kind.to_owned()), ..Email::default() };
                merge(&mut new, sent);
                // The new e-mail would not match the filter of the path.
                if new.kind.as_deref() != Some(kind) {
                    return false;
                }
                self.add(&new);
                return true;
            }
            _ => {}
        }
        for at in &found {
            match op {
                Op::Replace => self.emails[*at] = sent.clone(),
                Op::Add => merge(&mut self.emails[*at], sent),
                Op::Remove => {}
            }
        }
        self.settle((0..self.emails.len()).map(|at| found.contains(&at)).collect());
        !found.is_empty()
    }

    pub(super) fn matching_part(&mut self, op: Op, kind: &str, part: &Part) -> bool {
        let found = self.of_kind(kind);
        let unset = matches!(part, Part::Value(None) | Part::Display(None));
        match (op, found.is_empty()) {
            (Op::Add, _) if unset => return true,
            (Op::Replace, true) if unset => return true,
            (Op::Remove, true) => return true,
            (_, true) => {
                let mut new = Email { kind: Some(kind.to_owned()), ..Email::default() };
                set(&mut new, part);
                self.add(&new);
                return true;
            }
            _ => {}
        }
        let mut gone = Vec::new();
        for at in &found {
            let had = self.emails[*at].value.is_some();
            match (op, part) {
                (Op::Remove, Part::Value(_)) => self.emails[*at].value = None,
                (Op::Remove, Part::Display(_)) => self.emails[*at].display = None,
                (Op::Remove, Part::Primary(_)) => self.emails[*at].primary = None,
                _ => set(&mut self.emails[*at], part),
            }
            // An e-mail without an address is removed.
            if had && self.emails[*at].value.is_none() {
                gone.push(*at);
            }
        }
        let mut selected: Vec<bool> =
            (0..self.emails.len()).map(|at| found.contains(&at) && op != Op::Remove).collect();
        for at in gone.iter().rev() {
            self.emails.remove(*at);
            selected.remove(*at);
        }
        self.settle(selected);
        true
    }
}

fn set(email: &mut Email, part: &Part) {
    match part {
        Part::Value(value) => email.value.clone_from(value),
        Part::Display(display) => email.display.clone_from(display),
        Part::Primary(primary) => email.primary = Some(*primary),
    }
}
