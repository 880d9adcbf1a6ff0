// One pure codec for nodes, devices, tests and claim tools. Layouts: docs/accounting.md §3; vectors: test/vectors/.
export * from "./bytes";
export * from "./key";
export * from "./message";
export * from "./life"; // written by the lead: encodeLife, LIFE_PURPOSES
export * from "./tree";
export * from "./settlement";
export * from "./report";
