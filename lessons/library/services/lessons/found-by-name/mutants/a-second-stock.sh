#!/bin/sh
# about: a Service of the same name beside the till, as if a name alone led to the pods of the other namespace
# fails: till: A short name is sought in the namespace of whoever asks
# fails: tries: A short name is never asked for as it is
# fails: refused: First a name becomes an address
# answer: tries 1
# answer: refused wrong
set -e
kubectl create service clusterip stock --tcp=80:8080
kubectl scale deployment archive -n warehouse --replicas=1
