package archtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
)

// listed is what of the go command's answer is read.
type listed struct {
	ImportPath, Dir                    string
	Standard                           bool
	Module                             *struct{ Path string }
	GoFiles, CgoFiles                  []string
	Imports, TestImports, XTestImports []string
}

// Load lists the packages of the whole workspace rooted at dir with everything
// that they need. It fails if one cannot be listed.
func Load(ctx context.Context, dir string) (Graph, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-deps",
		"-json=ImportPath,Dir,Standard,Module,GoFiles,CgoFiles,Imports,TestImports,XTestImports", "work")
	cmd.Dir = dir
	// An empty GOWORK finds the workspace, also where a caller switched it off
	// to try one module alone.
	cmd.Env = append(os.Environ(), "GOWORK=")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("archtest: go list: %w\n%s", err, stderr.Bytes())
	}
	return decode(&stdout)
}

// decode reads the stream of JSON objects that "go list -json" writes.
func decode(r io.Reader) (Graph, error) {
	g := Graph{}
	for d := json.NewDecoder(r); ; {
		var l listed
		if err := d.Decode(&l); errors.Is(err, io.EOF) {
			return g, nil
		} else if err != nil {
			return nil, fmt.Errorf("archtest: read go list: %w", err)
		}
		p := &Package{
			Path: l.ImportPath, Dir: l.Dir,
			Files:       slices.Concat(l.GoFiles, l.CgoFiles),
			Imports:     l.Imports,
			TestImports: slices.Concat(l.TestImports, l.XTestImports),
		}
		if l.Module != nil {
			p.Module = l.Module.Path
		}
		g[p.Path] = p
	}
}
