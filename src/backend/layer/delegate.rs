//! What a layer leaves to the backend below it.

/// Writes the named methods of a [`Backend`](crate::backend::Backend) so that each passes its call on to a field.
///
/// After the word `after`, each call waits until the turns in another field are over.
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
    ($inner:ident after $turns:ident: $($method:ident),+ $(,)?) => { $($crate::delegate!(@$method $inner $turns);)+ };
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
    (@count $inner:ident $turns:ident) => {
        fn count<'a>(
            &'a self,
            collection: &'a str,
            source: &'a $crate::backend::Source,
            range: &'a $crate::model::KeyRange,
        ) -> $crate::backend::LocalFuture<'a, $crate::error::Result<u64>> {
            Box::pin(async move {
                self.$turns.over().await;
                self.$inner.count(collection, source, range).await
            })
        }
    };
    (@namespaces $inner:ident) => {
        fn namespaces(
            &self,
        ) -> $crate::backend::LocalFuture<'_, $crate::error::Result<::std::vec::Vec<::std::string::String>>> {
            self.$inner.namespaces()
        }
    };
    (@namespaces $inner:ident $turns:ident) => {
        fn namespaces(
            &self,
        ) -> $crate::backend::LocalFuture<'_, $crate::error::Result<::std::vec::Vec<::std::string::String>>> {
            Box::pin(async move {
                self.$turns.over().await;
                self.$inner.namespaces().await
            })
        }
    };
    (@close $inner:ident) => {
        fn close(&self) -> $crate::backend::LocalFuture<'_, ()> {
            self.$inner.close()
        }
    };
    (@close $inner:ident $turns:ident) => {
        fn close(&self) -> $crate::backend::LocalFuture<'_, ()> {
            Box::pin(async move {
                self.$turns.over().await;
                self.$inner.close().await;
            })
        }
    };
    (@destroy $inner:ident) => {
        fn destroy(&self) -> $crate::backend::LocalFuture<'_, $crate::error::Result<()>> {
            self.$inner.destroy()
        }
    };
    (@destroy $inner:ident $turns:ident) => {
        fn destroy(&self) -> $crate::backend::LocalFuture<'_, $crate::error::Result<()>> {
            Box::pin(async move {
                self.$turns.over().await;
                self.$inner.destroy().await
            })
        }
    };
}
