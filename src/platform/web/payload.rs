//! A payload in the browser: the JavaScript value itself.
