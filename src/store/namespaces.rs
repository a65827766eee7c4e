//! Namespaces: made by a write or by name, listed, deleted.

use super::DataStore;
use crate::backend::{Read, Scan, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{
    Body, Delete, Key, KeyRange, MetadataChange, Precondition, Put, WriteOp, check_name, sorted_names, system,
};
use crate::platform::Payload;

impl DataStore {
    /// Makes an empty namespace that stays until it is deleted.
    ///
    /// # Errors
    ///
    /// `ALREADY_EXISTS` where a namespace or collection has the name; `INVALID_NAMESPACE`.
    pub async fn create_namespace(&self, name: &str, metadata: Option<Payload>) -> Result<()> {
        check_name(name).map_err(|error| error.during("createNamespace"))?;
        if self.exists(name).await? {
            return Err(Error::new(ErrorKind::AlreadyExists, "there is a namespace of this name; choose another")
                .with("namespace", name)
                .during("createNamespace"));
        }
        let put = Put {
            metadata: metadata.map_or(MetadataChange::Keep, MetadataChange::Replace),
            precondition: Precondition::Absent,
            ..Put::new(system::NAMESPACES, Key::from(name), Body::Clear(Payload::undefined()))
        };
        self.commit(vec![WriteOp::Put(put)], None).await.map(drop).map_err(|error| error.during("createNamespace"))
    }

    /// Deletes a namespace; with `recursive`, its entries too, in the same commit.
    ///
    /// # Errors
    ///
    /// `NOT_EMPTY` where it has entries and `recursive` is not asked for; `NOT_FOUND`; `INVALID_NAMESPACE` for
    /// `default` and for a declared collection, which can be cleared.
    pub async fn delete_namespace(&self, name: &str, recursive: bool) -> Result<()> {
        let fail =
            |kind, message: &str| Err(Error::new(kind, message).with("namespace", name).during("deleteNamespace"));
        check_name(name).map_err(|error| error.during("deleteNamespace"))?;
        if name == system::DEFAULT_NAMESPACE || self.0.schema.get(name).is_some() {
            return fail(ErrorKind::InvalidNamespace, "“default” and declared collections stay; use clear()");
        }
        if !self.exists(name).await? {
            return fail(ErrorKind::NotFound, "there is no such namespace");
        }
        let mut ops = vec![WriteOp::Delete(Delete::new(system::NAMESPACES, Key::from(name)))];
        if recursive {
            ops.push(WriteOp::Clear { collection: name.to_owned() });
        } else if self.0.stack.count(name, &Source::Primary, &KeyRange::all()).await? > 0 {
            return fail(ErrorKind::NotEmpty, "the namespace has entries; delete them, or ask for “recursive”");
        }
        self.commit(ops, None).await.map(drop).map_err(|error| error.during("deleteNamespace"))
    }

    /// The names of all collections and namespaces, `default` included, sorted.
    pub async fn list_namespaces(&self) -> Result<Vec<String>> {
        let scan = Scan { read: Read::Keys, ..Scan::all(system::NAMESPACES) };
        let created = self.0.stack.scan(&scan).await.map_err(|error| error.during("listNamespaces"))?;
        let created = created.into_iter().filter_map(|row| match row.key {
            Key::String(name) => Some(name),
            _ => None,
        });
        let held = self.0.stack.namespaces().await.map_err(|error| error.during("listNamespaces"))?;
        let mut names: Vec<String> = created.chain(held).collect();
        names.extend(self.0.schema.collections().map(|(name, _)| name.to_owned()));
        names.push(system::DEFAULT_NAMESPACE.to_owned());
        Ok(sorted_names(names))
    }

    /// The metadata that a namespace was created with.
    pub async fn namespace_metadata(&self, name: &str) -> Result<Option<Payload>> {
        let records = self.0.stack.get(system::NAMESPACES, &[Key::from(name)]).await?;
        Ok(records.into_iter().flatten().next().and_then(|record| record.meta.metadata))
    }

    async fn exists(&self, name: &str) -> Result<bool> {
        Ok(self.list_namespaces().await?.iter().any(|there| there == name))
    }
}
