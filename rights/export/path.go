package export

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"strings"
)

// Paths of the files that every archive has, and where the others are.
const (
	manifestPath  = "manifest.json"
	signaturePath = "manifest.json.note"
	indexPath     = "index.html"
	sheetPath     = "information.html"
	sheetDataPath = "information.json"
	dataFolder    = "data/"
	filesFolder   = "attachments/"

	maxPath = 200
	maxSlug = 60
)

// slug is a plain form of a name that every file system takes: lower-case letters,
// digits, hyphen and underscore. A name that is not that already gets eight digits of
// its hash, so that two names never become one; and so does one that Windows keeps
// for devices.
func slug(name string) string {
	var b strings.Builder
	for _, r := range name {
		if b.Len() == maxSlug {
			break
		}
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == '-', r == '_':
			b.WriteRune(r)
		case 'A' <= r && r <= 'Z':
			b.WriteRune(r - 'A' + 'a')
		default:
			b.WriteByte('_')
		}
	}
	s := b.String()
	if s == name && !isDevice(s) {
		return s
	}
	sum := sha256.Sum256([]byte(name))
	return s + "-" + hex.EncodeToString(sum[:4])
}

func isDevice(s string) bool {
	switch s {
	case "", "con", "prn", "aux", "nul":
		return true
	}
	return len(s) == 4 && (strings.HasPrefix(s, "com") || strings.HasPrefix(s, "lpt")) && '0' <= s[3] && s[3] <= '9'
}

// attachmentPath is where the n-th attachment is. Its own name is in its record; here
// stand a number, and an ending if it is one of those that programs show and do not
// run: somebody else may have sent the file, and people click on what they find.
func attachmentPath(n int, name string) string {
	ext := strings.ToLower(path.Ext(name))
	if !shown[ext] {
		ext = ""
	}
	return fmt.Sprintf("%s%06d%s", filesFolder, n, ext)
}

// shown are endings of pictures, sound, films and documents. Pages and drawings that a
// browser would run are not among them.
var shown = func() map[string]bool {
	m := map[string]bool{}
	for ext := range strings.FieldsSeq(`txt csv json pdf rtf doc docx odt xls xlsx ods ppt pptx odp eml vcf ics
		jpg jpeg png gif webp heic avif bmp tif tiff mp3 m4a aac ogg opus flac wav mp4 m4v mov webm mkv avi zip gz`) {
		m["."+ext] = true
	}
	return m
}()

// isPath reports whether an archive may have a file there: relative, of plain
// characters, no part of it empty or dots.
func isPath(p string) bool {
	if p == "" || len(p) > maxPath || path.Clean(p) != p || p[0] == '/' || strings.HasPrefix(p, "..") {
		return false
	}
	return !strings.ContainsFunc(p, func(r rune) bool {
		return (r < 'a' || 'z' < r) && (r < '0' || '9' < r) && !strings.ContainsRune("-_./", r)
	})
}
