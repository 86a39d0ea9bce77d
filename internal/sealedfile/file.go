package sealedfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Create writes a new file with the default parameters, readable by its owner
// only, and returns after file and folder are on disk. kind names the use, one
// to 64 printable ASCII characters; Read must name the same. A file that
// exists is never touched: the error Is fs.ErrExist.
func Create(path, passphrase, kind string, secret [SecretSize]byte) error {
	return CreateWith(path, passphrase, kind, secret, Default)
}

// CreateWith is Create with other parameters.
func CreateWith(path, passphrase, kind string, secret [SecretSize]byte, p Params) error {
	if passphrase == "" {
		return ErrNoPassphrase
	}
	if !validKind(kind) {
		return ErrKind
	}
	if err := p.Validate(); err != nil {
		return err
	}
	b, err := encode(p, passphrase, kind, secret)
	if err != nil {
		return err
	}
	return write(path, b)
}

// Read opens the file and returns its secret. It returns [ErrPassphrase],
// [ErrDamaged], [ErrKind], a *[PermissionError] where others may use the file, a
// *[FileTypeError] for a folder, a named pipe or a device, which it does not
// wait for, or an error that Is fs.ErrNotExist.
func Read(path, passphrase, kind string) (secret [SecretSize]byte, err error) {
	if passphrase == "" {
		return secret, ErrNoPassphrase
	}
	b, err := load(path)
	if err != nil {
		return secret, err
	}
	f, err := split(b)
	if err != nil {
		return secret, err
	}
	if f.kind != kind {
		return secret, ErrKind
	}
	return f.open(passphrase)
}

// write makes the file appear under its name whole or not at all, and never in
// the place of another: it is finished under another name first. A crash may
// leave that one behind; it protects nothing yet.
func write(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*") // mode 0600
	if err != nil {
		return fmt.Errorf("sealedfile: create: %w", err)
	}
	if _, err = f.Write(b); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Link(f.Name(), path)
	}
	if err = errors.Join(err, os.Remove(f.Name())); err == nil {
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("sealedfile: create: %w", err)
	}
	return nil
}

func load(path string) ([]byte, error) {
	f, err := open(path)
	if err != nil {
		if _, special := errors.AsType[*FileTypeError](err); special {
			return nil, err
		}
		return nil, fmt.Errorf("sealedfile: open: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("sealedfile: open: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, &FileTypeError{Mode: info.Mode()}
	}
	if openToOthers(info.Mode()) {
		return nil, &PermissionError{Mode: info.Mode()}
	}
	b, err := io.ReadAll(io.LimitReader(f, int64(maxSize)+1))
	if err != nil {
		return nil, fmt.Errorf("sealedfile: read: %w", err)
	}
	return b, nil
}
