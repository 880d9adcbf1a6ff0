// One pure codec for nodes, devices, tests and claim tools. Layouts: docs/accounting.md §3; vectors: test/vectors/.
export * from "./bytes";
export * from "./key";
export * from "./key-forms";
export * from "./authenticator";
export * from "./message";
export * from "./life";
export * from "./tree";
export * from "./packed-tree";
export * from "./settlement";
export * from "./report";
