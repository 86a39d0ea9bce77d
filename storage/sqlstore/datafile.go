package sqlstore

import (
	"errors"
	"io/fs"
	"os"
)

// dataFile is the file that a SQLite database lay in when the handle opened it.
// On its own SQLite in WAL mode goes on writing to a file that was deleted, or
// replaced by a backup, while other connections read what lies there now.
type dataFile struct {
	path string
	info fs.FileInfo // nil for a database that lies in no file of the system's
}

func newDataFile(path string) dataFile {
	f := dataFile{path: path}
	if path == "" {
		return f
	}
	if info, err := os.Stat(path); err == nil {
		f.info = info
	}
	return f
}

// check returns an error unless the file is still where it was.
func (f dataFile) check() error {
	if f.info == nil {
		return nil
	}
	now, err := os.Stat(f.path)
	moved := &SettingError{Setting: "database file", Want: "the one that was opened", Got: "another"}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		moved.Got = "gone"
	case err != nil:
		return wrap("look for the database file", err)
	case os.SameFile(f.info, now):
		return nil
	}
	return moved
}
