package main

import (
	"io/fs"

	"drydock/sandbox/image"
)

func file(path string, mode fs.FileMode, text string) image.File {
	return image.File{Path: path, Mode: mode, Data: []byte(text)}
}

// directory takes the permissions in octal, the sticky bit included, as chmod(1) does.
func directory(path string, mode fs.FileMode) image.File {
	m := fs.ModeDir | mode&0o777
	if mode&0o1000 != 0 {
		m |= fs.ModeSticky
	}
	return image.File{Path: path, Mode: m}
}

func link(path, target string) image.File {
	return image.File{Path: path, Mode: fs.ModeSymlink | 0o777, Link: target}
}
