//! Tokens: storing, using and revoking them.

use store::{Error, Token};

use crate::engine::Site;

pub(crate) fn token(id: &str, tenant: &str) -> Token {
    Token {
        id: id.to_owned(),
        hash: format!("hash of {id}").as_str().into(),
        tenant: tenant.to_owned(),
        scopes: "read write".to_owned(),
        dialect: "strict".to_owned(),
        label: "Okta".to_owned(),
        created: 1_000_000,
        expires_at: 2_000_000_000,
        last_used: None,
        revoked_at: None,
        successor: None,
    }
}

#[tokio::test]
async fn token_is_stored_used_and_revoked() {
    let site = Site::new().await;
    let directory = &site.directory;
    let one = token("one", "acme");
    directory.put_token(&one).await.unwrap();
    assert_eq!(directory.get_token("one").await.unwrap(), Some(one.clone()));
    for absent in ["", "two"] {
        assert_eq!(directory.get_token(absent).await.unwrap(), None);
        assert_eq!(directory.revoke(absent, 1).await, Err(Error::Missing));
        assert_eq!(directory.set_successor(absent, "two", 1).await, Err(Error::Missing));
    }
    assert_eq!(directory.put_token(&Token { hash: "another".into(), ..one.clone() }).await, Err(Error::NameTaken));

    directory.set_successor("one", "two", 1_500_000_000).await.unwrap();
    directory.revoke("one", 1_200_000_000).await.unwrap();
    directory.revoke("one", 1_300_000_000).await.unwrap();
    let successor = Some("two".to_owned());
    let expected = Token { expires_at: 1_500_000_000, revoked_at: Some(1_200_000_000), successor, ..one };
    assert_eq!(directory.get_token("one").await.unwrap(), Some(expected));
    let item = site.items("token").await.remove(0);
    assert_eq!(item["expires"].as_n().unwrap(), "1502592000");
}

#[tokio::test]
async fn list_tokens_returns_the_tokens_of_all_tenants() {
    let site = Site::new().await;
    for (id, tenant) in [("a", "acme"), ("b", "other"), ("c", "acme")] {
        site.directory.put_token(&token(id, tenant)).await.unwrap();
    }
    let listed = site.directory.list_tokens().await.unwrap();
    let listed: Vec<_> = listed.iter().map(|token| (token.id.as_str(), token.tenant.as_str())).collect();
    assert_eq!(listed, [("a", "acme"), ("b", "other"), ("c", "acme")]);
}

#[tokio::test]
async fn last_use_is_written_once_an_hour() {
    let site = Site::new().await;
    let fresh = token("one", "acme");
    site.directory.put_token(&fresh).await.unwrap();
    for (now, noted) in [(10_000, 10_000), (10_001, 10_000), (13_599, 10_000), (13_600, 13_600), (12_000, 13_600)] {
        site.directory.touch_token(&fresh, now).await.unwrap();
        let stored = site.directory.get_token("one").await.unwrap().unwrap();
        assert_eq!(stored.last_used, Some(noted), "{now}");
        site.directory.touch_token(&stored, now).await.unwrap();
    }
    site.directory.touch_token(&token("gone", "acme"), 1).await.unwrap();
    assert_eq!(site.directory.get_token("gone").await.unwrap(), None);
}
