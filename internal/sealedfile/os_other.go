//go:build !unix

package sealedfile

import (
	"io/fs"
	"os"
)

// open opens a file for reading. What is no file is not opened: that might
// wait.
func open(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &FileTypeError{Mode: info.Mode()}
	}
	return os.Open(path)
}

// openToOthers cannot be told from the mode on this system; access lists are
// the operator's to set.
func openToOthers(fs.FileMode) bool { return false }

// syncFolder does nothing: folders cannot be flushed on this system.
func syncFolder(string) error { return nil }
