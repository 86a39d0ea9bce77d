//go:build unix

package sealedfile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// open opens a file for reading. It does not wait for somebody to write to a
// named pipe, nor for a device; with files the flag does nothing.
func open(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// openToOthers reports whether users outside the file's group may use it. The
// group may: that is how orchestrators mount secrets.
func openToOthers(mode fs.FileMode) bool { return mode.Perm()&0o007 != 0 }

// syncFolder makes a new name in the folder durable.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
