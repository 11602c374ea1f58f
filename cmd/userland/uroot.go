package main

import (
	"github.com/u-root/u-root/pkg/core"
	"github.com/u-root/u-root/pkg/core/base64"
	"github.com/u-root/u-root/pkg/core/cat"
	"github.com/u-root/u-root/pkg/core/chmod"
	"github.com/u-root/u-root/pkg/core/cp"
	"github.com/u-root/u-root/pkg/core/find"
	"github.com/u-root/u-root/pkg/core/gzip"
	"github.com/u-root/u-root/pkg/core/ls"
	"github.com/u-root/u-root/pkg/core/mkdir"
	"github.com/u-root/u-root/pkg/core/mktemp"
	"github.com/u-root/u-root/pkg/core/mv"
	"github.com/u-root/u-root/pkg/core/rm"
	"github.com/u-root/u-root/pkg/core/shasum"
	"github.com/u-root/u-root/pkg/core/tar"
	"github.com/u-root/u-root/pkg/core/touch"
	"github.com/u-root/u-root/pkg/core/xargs"
)

// These applets are u-root's, as they are.
var _ = borrow("base64", "[-d] [FILE]", base64.New) &&
	borrow("cat", "[FILE...]", cat.New) &&
	borrow("chmod", "[-R] MODE FILE...", chmod.New) &&
	borrow("cp", "[-rf] SOURCE... TARGET", cp.New) &&
	borrow("find", "[PATH] [-name PATTERN] [-type T]", find.New) &&
	borrow("ls", "[-lahR1] [FILE...]", ls.New) &&
	borrow("mkdir", "[-p] [-m MODE] DIR...", mkdir.New) &&
	borrow("mktemp", "[-d] [TEMPLATE]", mktemp.New) &&
	borrow("mv", "SOURCE... TARGET", mv.New) &&
	borrow("rm", "[-rf] FILE...", rm.New) &&
	borrow("shasum", "[-a ALGORITHM] [FILE...]", shasum.New) &&
	borrow("tar", "-c|-x|-t [-vf] FILE [PATH...]", tar.New) &&
	borrow("touch", "[-c] FILE...", touch.New) &&
	borrow("xargs", "[COMMAND [ARG...]]", xargs.New) &&
	borrow("gzip", "[-dc] [FILE...]", func() core.Command { return gzip.New("gzip") }) &&
	borrow("gunzip", "[-c] [FILE...]", func() core.Command { return gzip.New("gunzip") })

func borrow(name, usage string, command func() core.Command) bool {
	return register(name, usage, func(p *process) int {
		c := command()
		c.SetIO(p.stdin, p.stdout, p.stderr)
		if err := c.Run(p.args...); err != nil {
			return p.fail(err)
		}
		return 0
	})
}
