package sealedfile

import (
	"errors"
	"fmt"
	"io/fs"
)

var (
	// ErrPassphrase says that the file is whole and the passphrase is not the
	// one that it was made with.
	ErrPassphrase = errors.New("sealedfile: wrong passphrase")
	// ErrNoPassphrase says that the passphrase is empty.
	ErrNoPassphrase = errors.New("sealedfile: empty passphrase")
	// ErrDamaged says that the bytes are not those of any file that Create
	// wrote: cut off, changed, or something else altogether.
	ErrDamaged = errors.New("sealedfile: damaged file")
	// ErrKind says that the file is whole and holds a secret for another use.
	ErrKind = errors.New("sealedfile: holds another kind of secret")
)

// PermissionError says that users other than the owner and the group may use
// the file, so that its secret must be taken for known to them.
type PermissionError struct {
	Mode fs.FileMode
}

func (e *PermissionError) Error() string {
	return fmt.Sprintf("sealedfile: file is open to other users (mode %04o)", e.Mode.Perm())
}

// FileTypeError says that there is no file under the name but a folder, a named
// pipe, a device. It Is [ErrDamaged].
type FileTypeError struct {
	Mode fs.FileMode
}

func (e *FileTypeError) Error() string {
	return fmt.Sprintf("sealedfile: not a regular file (mode %v)", e.Mode.Type())
}

// Unwrap returns [ErrDamaged].
func (e *FileTypeError) Unwrap() error { return ErrDamaged }

// ParamsError says that Argon2id parameters are out of bounds.
type ParamsError struct {
	// Name of the parameter: "time", "memory" or "lanes".
	Name string
}

func (e *ParamsError) Error() string {
	return "sealedfile: Argon2id parameter out of bounds: " + e.Name
}
