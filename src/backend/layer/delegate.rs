//! What a layer leaves to the backend below it.

/// Writes the named methods of a [`Backend`](crate::backend::Backend) so that each passes its call on to a field.
///
/// A layer then says in one line what it does not touch, and in methods what it does; a method that is in neither does
/// not compile, so a layer that is forgotten when the trait grows is found.
///
/// ```
/// use std::rc::Rc;
/// use tidekeep::backend::{Backend, LocalFuture};
/// use tidekeep::error::Result;
/// use tidekeep::model::{CommitReceipt, WriteBatch};
///
/// /// Counts nothing, changes nothing, and keeps no commit.
/// #[derive(Debug)]
/// struct Forgetful {
///     inner: Rc<dyn Backend>,
/// }
///
/// impl Backend for Forgetful {
///     tidekeep::delegate!(inner: facts, get, scan, count, namespaces, close, destroy);
///
///     fn commit(&self, batch: WriteBatch) -> LocalFuture<'_, Result<CommitReceipt>> {
///         drop(batch);
///         self.inner.commit(WriteBatch::default())
///     }
/// }
/// ```
#[macro_export]
macro_rules! delegate {
    ($inner:ident: $($method:ident),+ $(,)?) => { $($crate::delegate!(@$method $inner);)+ };
    (@facts $inner:ident) => {
        fn facts(&self) -> $crate::backend::Facts {
            self.$inner.facts()
        }
    };
    (@commit $inner:ident) => {
        fn commit(
            &self,
            batch: $crate::model::WriteBatch,
        ) -> $crate::backend::LocalFuture<'_, $crate::error::Result<$crate::model::CommitReceipt>> {
            self.$inner.commit(batch)
        }
    };
    (@get $inner:ident) => {
        fn get<'a>(
            &'a self,
            collection: &'a str,
            keys: &'a [$crate::model::Key],
        ) -> $crate::backend::LocalFuture<
            'a,
            $crate::error::Result<::std::vec::Vec<::core::option::Option<$crate::model::Record>>>,
        > {
            self.$inner.get(collection, keys)
        }
    };
    (@scan $inner:ident) => {
        fn scan<'a>(
            &'a self,
            scan: &'a $crate::backend::Scan,
        ) -> $crate::backend::LocalFuture<'a, $crate::error::Result<::std::vec::Vec<$crate::backend::Row>>> {
            self.$inner.scan(scan)
        }
    };
    (@count $inner:ident) => {
        fn count<'a>(
            &'a self,
            collection: &'a str,
            source: &'a $crate::backend::Source,
            range: &'a $crate::model::KeyRange,
        ) -> $crate::backend::LocalFuture<'a, $crate::error::Result<u64>> {
            self.$inner.count(collection, source, range)
        }
    };
    (@namespaces $inner:ident) => {
        fn namespaces(
            &self,
        ) -> $crate::backend::LocalFuture<'_, $crate::error::Result<::std::vec::Vec<::std::string::String>>> {
            self.$inner.namespaces()
        }
    };
    (@close $inner:ident) => {
        fn close(&self) -> $crate::backend::LocalFuture<'_, ()> {
            self.$inner.close()
        }
    };
    (@destroy $inner:ident) => {
        fn destroy(&self) -> $crate::backend::LocalFuture<'_, $crate::error::Result<()>> {
            self.$inner.destroy()
        }
    };
}
