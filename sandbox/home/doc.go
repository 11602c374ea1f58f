// Package home is the state directory: where everything that drydock keeps lies, and the programs it carries.
//
// # Part played
//
// The disk of the machine room, and the package manager: what kubeadm finds in /etc/kubernetes, /var/lib and /usr/bin.
//
// # How it works
//
// Find names the directory (DRYDOCK_HOME, else the XDG state directory). Lab("lab") names one lab's part of it. Unpack
// writes the programs that the drydock file carries compressed into bin/<digest>/, once per version; a later start only
// looks whether the directory is there, because it appears under that name by one rename(2), when it is complete. SweepVersions removes
// what earlier versions have unpacked and nobody runs any more.
//
// # Left out
//
// Versions that processes of other users run: a state directory has one user.
//
// # In Kubernetes
//
// Nothing; the directories are those of kubeadm's and the kubelet's defaults, under one roof.
package home
