package sealedfile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Destroy overwrites the file and everything that a crash of Create left beside
// it, removes them, and returns after that is on disk. A file that is not there
// is destroyed already. What a file system or a disk keeps of blocks that were
// overwritten is out of reach.
func Destroy(path string) error {
	beside, err := filepath.Glob(escaped(path) + ".new-*")
	if err != nil {
		return fmt.Errorf("sealedfile: destroy: %w", err)
	}
	for _, name := range append(beside, path) {
		if err := overwrite(name); err != nil {
			return fmt.Errorf("sealedfile: destroy: %w", err)
		}
	}
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return fmt.Errorf("sealedfile: destroy: %w", err)
	}
	return nil
}

// escaped is the path as a pattern that matches only itself.
func escaped(path string) string {
	var b []byte
	for i := range len(path) {
		switch path[i] {
		case '*', '?', '[':
			b = append(b, '[', path[i], ']')
		default:
			b = append(b, path[i])
		}
	}
	return string(b)
}

// overwrite puts other bytes in the place of the file's before it removes the
// name: another name may lead to the same bytes.
func overwrite(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return &FileTypeError{Mode: info.Mode()}
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	noise := make([]byte, info.Size())
	_, _ = rand.Read(noise) // never fails, crypto/rand documents
	if _, err = f.WriteAt(noise, 0); err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Remove(path)
}

// Mark makes an empty file that only its name says something by, and returns
// after it is on disk. One that is there stays.
func Mark(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("sealedfile: mark: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close(), syncFolder(filepath.Dir(path))); err != nil {
		return fmt.Errorf("sealedfile: mark: %w", err)
	}
	return nil
}
