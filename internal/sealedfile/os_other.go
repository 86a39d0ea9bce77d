//go:build !unix

package sealedfile

import "io/fs"

// openToOthers cannot be told from the mode on this system; access lists are
// the operator's to set.
func openToOthers(fs.FileMode) bool { return false }

// syncFolder does nothing: folders cannot be flushed on this system.
func syncFolder(string) error { return nil }
