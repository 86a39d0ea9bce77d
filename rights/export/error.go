package export

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrArchive says that something is not a whole export as it was signed: cut off,
	// changed, signed by another key, or none at all. An [*ArchiveError] says where.
	ErrArchive = errors.New("export: not a whole and unchanged archive")
	// ErrTenant says that an archive is of another tenant. It wraps ErrArchive.
	ErrTenant = fmt.Errorf("%w: it is of another tenant", ErrArchive)
	// ErrLimit says that an archive, a record or a file is larger than what was allowed.
	ErrLimit = errors.New("export: larger than allowed")
	// ErrLocked says that a passphrase or key does not open an archive.
	ErrLocked = errors.New("export: does not open with this passphrase or key")
	// ErrKey says that text is not a key, or a passphrase is too short.
	ErrKey = errors.New("export: not a key of the right kind")
	// ErrRecord says that a record cannot be written. A [*RecordError] says which.
	ErrRecord = errors.New("export: record cannot be written")
	// ErrClosed says that a writer is used after its end, or a section beside another.
	ErrClosed = errors.New("export: closed, or another section is open")
	// ErrConfig says that something which is needed is missing or not valid.
	ErrConfig = errors.New("export: not configured")

	// ErrTicket says that there is no such ticket.
	ErrTicket = errors.New("export: no such ticket")
	// ErrTicketUsed says that a ticket was used. It wraps ErrTicket.
	ErrTicketUsed = fmt.Errorf("%w: it was used", ErrTicket)
	// ErrTicketExpired says that the time of a ticket is over. It wraps ErrTicket.
	ErrTicketExpired = fmt.Errorf("%w: its time is over", ErrTicket)
)

// ArchiveError says where an archive is not what was signed. Nothing in it is
// personal: Path is a path of the archive, which names sources and types alone.
type ArchiveError struct{ Path, Reason string }

func (e *ArchiveError) Error() string {
	if e.Path == "" {
		return ErrArchive.Error() + ": " + e.Reason
	}
	return ErrArchive.Error() + ": " + e.Path + ": " + e.Reason
}

// Unwrap returns [ErrArchive].
func (e *ArchiveError) Unwrap() error { return ErrArchive }

func broken(path, reason string) error { return &ArchiveError{Path: path, Reason: reason} }

// RecordError says why a record cannot be written. It names no record and no value.
type RecordError struct{ Source, Type, Reason string }

func (e *RecordError) Error() string {
	return fmt.Sprintf("%v: source %q, type %q: %s", ErrRecord, e.Source, e.Type, e.Reason)
}

// Unwrap returns [ErrRecord].
func (e *RecordError) Unwrap() error { return ErrRecord }

// SheetError names the parts of an information sheet that are neither filled in nor
// declared to be missing.
type SheetError struct{ Parts []SheetPart }

func (e *SheetError) Error() string {
	parts := make([]string, len(e.Parts))
	for i, p := range e.Parts {
		parts[i] = string(p)
	}
	return ErrConfig.Error() + ": the information sheet lacks " + strings.Join(parts, ", ")
}

// Unwrap returns [ErrConfig].
func (e *SheetError) Unwrap() error { return ErrConfig }

func needs(what string) error { return fmt.Errorf("%w: needs %s", ErrConfig, what) }
