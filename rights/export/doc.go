// Package export writes the copy of the data that a person gets, and reads it back.
//
// An archive is a ZIP inside a file of age: always encrypted, and opened with the
// ordinary programs age and unzip. It has each source's records as JSON Lines and as
// CSV, attachments, a page to read, the information sheet of GDPR Article 15, and a
// signed manifest of what is there, what was kept back and what is missing, with the
// reasons.
//
//	lock, passphrase, err := export.FreshPassphrase() // to be handed out apart
//	w, err := export.NewWriter(file, export.Config{
//		Subject: who, Request: "request-17", Controller: "Acme", Created: time.Now(),
//		Signer: signer, Lock: lock, Sheet: &sheet, Language: "de",
//	})
//	err = w.Copy(ctx, export.Source{Name: "orders", Types: []export.Type{
//		{Name: "order", About: export.Person},
//	}}, orders) // an iter.Seq2[export.Record, error]
//	err = w.Missing(export.Source{Name: "paper files"}, export.Unsupported)
//	receipt, err := w.Close()
//
// Nothing is claimed that is not so. A source that fails is told with what came before
// it; one that has nothing, or cannot export, is told too. Data about others is kept
// back, field by field: what nobody classified as about the person alone stays out
// unless a [Redactor] discloses it, and a Redactor that fails discloses nothing.
//
// [Verify] holds an archive to its signature, [Open] does so and reads its records, for
// a person who starts again. [Ticket] and [Download] hand an archive out once.
//
// # What it does not promise
//
// An archive proves what the controller handed out, and not that it is all there is:
// that is up to who registers sources. The law's exceptions are the host's to judge;
// the reasons here are words for the outcome. Who has the passphrase and the file has
// the data. Bytes that were sent are not known to have arrived. Attachments are copied as they are,
// and not searched for others' data; ids of records are not asked about, and must be
// opaque.
//
// # Errors
//
// [*ArchiveError], which wraps [ErrArchive], refuses an archive and says where; an error
// of what is read from is never taken for it. [*RecordError] refuses a record and leaves
// the writer as it was, [*SourceError] tells that a source failed and the archive goes on.
// After any other error of a [Writer] there is no archive: what was written can neither be
// decrypted to its end nor verified. No error quotes what is exported.
//
// # Concurrency
//
// A [Writer] and its [Section] are for one goroutine at a time; it starts none. An
// [Archive] can be read by many.
//
// # Storage
//
// An archive is written forward to any io.Writer, in memory that does not grow with it:
// what waits is packed, and lies encrypted in a temporary file under a key that is
// nowhere else. docs/formats/export.md gives every byte.
//
// # Compatibility
//
// Archives stay readable. Reasons and kinds may be added; who reads refuses the ones
// that it does not know.
package export
